"""One plane in this process: what the supervisor starts, and what runs apart on machines of its own."""

from __future__ import annotations

from waybill import lifeline
from waybill.addresses import claim
from waybill.data_folder import prepare
from waybill.git_version import require_git
from waybill.locks import only_one
from waybill.options import Options


def run_proxy(options: Options) -> None:
    """The data plane, until SIGTERM or SIGINT. Needs neither git nor the API."""
    lifeline.watch()
    data, addresses = prepare(options.data), options.addresses()
    with only_one(data, "proxy"):
        listen, ops = claim(addresses.proxy, "--proxy"), claim(addresses.proxy_ops, "--proxy-ops")
        from proxy.main import ProxySettings, serve

        serve(ProxySettings(data=data, listen=listen, ops=ops))


def run_api(options: Options) -> None:
    """The control plane, until SIGTERM or SIGINT."""
    lifeline.watch()
    require_git()
    data, addresses = prepare(options.data), options.addresses()
    with only_one(data, "api"):
        listen, ops = claim(addresses.api, "--api"), claim(addresses.api_ops, "--api-ops")
        from api.main import ApiSettings, serve

        serve(ApiSettings(data=data, listen=listen, ops=ops, proxy_url=addresses.proxy.url, fsync=options.fsync))
