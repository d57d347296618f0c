# This file was NOT built where Waybill is developed: there is no container runtime there. Its steps are those of the Makefile
# (`make run`), which is tested; read them there if something here does not fit.
FROM debian:12-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 waybill

WORKDIR /opt/waybill

# The dependencies first: they change less often than the code.
COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

COPY . .
# The dashboard; what built it is not needed any more.
RUN make dashboard && rm -rf dashboard/node_modules .venv/node
RUN .venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps --no-index --editable . \
    && mkdir --mode=0700 /data && chown waybill:waybill /data

USER waybill
VOLUME /data

ENV WAYBILL_DATA=/data \
    WAYBILL_PROXY=0.0.0.0:8080 \
    WAYBILL_API=0.0.0.0:8081 \
    WAYBILL_PROXY_OPS=0.0.0.0:9080 \
    WAYBILL_API_OPS=0.0.0.0:9081

EXPOSE 8080 8081 9080 9081

# SIGTERM drains open requests; see docs/operations.md.
STOPSIGNAL SIGTERM
ENTRYPOINT [".venv/bin/waybill"]
CMD ["serve"]
