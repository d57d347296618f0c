# Waybill: everything that is done with a checkout. `make` alone lists it.

VENV := .venv
# Python 3.11 or newer; `make run PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3))

# program:Debian package, for the targets that need more than Python and git.
TEST_PROGRAMS := git:git curl:curl
# Where it cannot be had, the dashboard's tests skip themselves and say so.
BROWSER := chromium-headless-shell:chromium-headless-shell
BENCH_PROGRAMS := wrk:wrk nginx:nginx-light gcc:gcc node:nodejs taskset:util-linux
# What tests run in Node: audits and reference clients of GraphQL; and what compares two schemas.
CLIENTS := $(foreach name,audit clients,tests/api/$(name)/node_modules/.package-lock.json)
INSPECTOR := tests/repo/inspector/node_modules/.package-lock.json
# Tests wait for processes and pages half of their time.
WORKERS := $(shell echo $$(( $$(nproc) * 2 )))
# The files that take longest come first, so that none of them runs on alone at the end.
LONG_FIRST := tests/dashboard tests/e2e tests/soak tests/api tests/waybill tests
SOURCES := waybill core proxy api tests bench
DASHBOARD := api/static/index.html
NPM = PATH="$(abspath $(VENV))/node/bin:$$PATH" npm --prefix dashboard --silent

.DEFAULT_GOAL := help
.PHONY: help run test check dashboard screenshots released bench bench-full soak mutate lock clean

help: ## This list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

run: $(VENV)/.run $(DASHBOARD) ## Serve. DATA=./data PROXY=127.0.0.1:8080 API=127.0.0.1:8081 PROXY_OPS=127.0.0.1:9080 API_OPS=127.0.0.1:9081
	@$(VENV)/bin/waybill serve $(if $(DATA),--data '$(DATA)') $(if $(PROXY),--proxy '$(PROXY)') $(if $(API),--api '$(API)') \
		$(if $(PROXY_OPS),--proxy-ops '$(PROXY_OPS)') $(if $(API_OPS),--api-ops '$(API_OPS)')

test: $(VENV)/.dev $(DASHBOARD) $(if $(TESTS),,$(CLIENTS)) ## Run the tests. TESTS=tests/core chooses some.
	@$(call programs,$(TEST_PROGRAMS))
	@($(call programs,$(BROWSER))) || echo 'the tests of the dashboard take chromium, or are left out' >&2
	$(if $(TESTS),,$(NPM) run test)
	$(VENV)/bin/pytest -m 'not soak' $(if $(TESTS),$(TESTS),-n $(WORKERS) --dist loadfile --no-loadscope-reorder $(LONG_FIRST) --ignore=tests/repo)

check: $(VENV)/.dev $(DASHBOARD) $(INSPECTOR) ## Format, lint, types, import rules, schema, links, README commands, documentation.
	@$(call programs,$(TEST_PROGRAMS))
	$(VENV)/bin/ruff format --check $(wildcard $(SOURCES))
	$(VENV)/bin/ruff check $(wildcard $(SOURCES))
	$(VENV)/bin/mypy
	$(NPM) run check
	$(VENV)/bin/pytest tests/repo

dashboard: $(DASHBOARD) ## Build the dashboard into api/static/, which the API serves and the wheel holds.

screenshots: $(VENV)/.dev $(DASHBOARD) ## Take the pictures of docs/dashboard.md anew, from a running product.
	@$(call programs,$(BROWSER))
	$(VENV)/bin/pytest tests/dashboard/screenshots.py

released: ## Take schema.graphql as the one that clients rely on: docs/schema/released.graphql.
	cp schema.graphql docs/schema/released.graphql
	sed -i '/^#/!d' docs/schema/breaking.yaml && echo '{}' >> docs/schema/breaking.yaml

bench: $(VENV)/.dev ## Measure speed against nginx: a few minutes, results into bench/results/.
	@$(call programs,$(BENCH_PROGRAMS))
	$(VENV)/bin/python -m bench

bench-full: $(VENV)/.dev ## The same at large sizes.
	@$(call programs,$(BENCH_PROGRAMS))
	$(VENV)/bin/python -m bench --full

soak: $(VENV)/.dev $(DASHBOARD) ## Kills, faults and leaks over a long time.
	@$(call programs,$(TEST_PROGRAMS) $(BENCH_PROGRAMS))
	$(VENV)/bin/pytest -m soak -s --timeout=0 tests

mutate: $(VENV)/.dev ## Mutate the numbers and comparisons of core: how many do its tests find? An hour. MUTATE='core/money --most 20'
	$(VENV)/bin/python -m tests.mutation $(or $(MUTATE),--most 20 --report)

# The lock files hold names, versions and hashes, never an address: pip uses whatever index the machine is set up for.
COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-header --no-annotate --upgrade pyproject.toml

# The dashboard's Node needs nothing of Waybill's own. Its packages are resolved in an empty folder: beside installed ones npm
# leaves out what other platforms need.
NODE_LOCK = $(subst --upgrade pyproject.toml,--upgrade,$(COMPILE))

lock: $(VENV)/.node ## Resolve the dependencies anew into both lock files.
	$(VENV)/bin/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet uv
	$(COMPILE) --group build -o requirements.lock
	$(COMPILE) --group dev -o requirements-dev.lock
	$(NODE_LOCK) --group node -o requirements-node.lock
	rm -rf build/lock && mkdir -p build/lock && cp dashboard/package.json dashboard/.npmrc build/lock
	cd build/lock && PATH="$(abspath $(VENV))/node/bin:$$PATH" npm install --silent --package-lock-only
	cp build/lock/package-lock.json dashboard/

clean: ## Remove the environment and what tools left behind; the data folder stays.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/build api/static dashboard/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment ------------------------------------------------------------------------------------------------

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/bin/pip
	$(VENV)/bin/pip install --quiet --require-hashes -r requirements.lock
	@$(install-waybill)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/pip
	$(VENV)/bin/pip install --quiet --require-hashes -r requirements-dev.lock
	@$(install-waybill)
	@touch $(VENV)/.run $@

# pip is the last thing that `venv` puts there: an interrupted one is made again.
$(VENV)/bin/pip:
	@test -n '$(PYTHON)' && '$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Waybill needs Python 3.11 or newer: apt-get install python3' >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { $(call debian,python3-venv); }
	'$(PYTHON)' -m venv $(VENV)

# --- the dashboard --------------------------------------------------------------------------------------------------

DASHBOARD_SOURCES := schema.graphql $(wildcard docs/*.md) $(shell find dashboard -type f \
	-not -path '*/node_modules/*' -not -name graphql-env.d.ts)

$(DASHBOARD): $(DASHBOARD_SOURCES) dashboard/node_modules/.package-lock.json
	$(NPM) run build
	@touch $@

# touch: npm leaves its own file as it is when nothing is to be done.
dashboard/node_modules/.package-lock.json: dashboard/package-lock.json $(VENV)/.node
	$(NPM) ci
	@touch $@

# The system's Node where it is new enough, else one that pip brings: nobody has to install one to run Waybill.
$(VENV)/.node: requirements-node.lock | $(VENV)/bin/pip
	@$(node-is-new) || { echo 'installing a Node of its own into $(VENV)/node' \
		&& $(VENV)/bin/python -m venv $(VENV)/node \
		&& $(VENV)/node/bin/pip install --quiet --require-hashes -r $<; }
	@touch $@

node-is-new = command -v npm >/dev/null && node -e 'const [a, b] = process.versions.node.split(".").map(Number); \
	process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null

# Where these cannot be had, the tests that need them skip themselves, and this says so.
$(CLIENTS) $(INSPECTOR): %/node_modules/.package-lock.json: %/package-lock.json | $(VENV)/.node
	@{ PATH="$(abspath $(VENV))/node/bin:$$PATH" npm ci --prefix $* --silent --no-audit --no-fund --fetch-retries=1 \
		--fetch-timeout=60000 && touch $@; } || echo 'no packages for $*: $(left-out-$(notdir $*))' >&2

left-out-audit = the GraphQL over HTTP audits are left out
left-out-clients = graphql-ws and graphql-sse are left out
left-out-inspector = graphql-core alone looks for breaking changes of the schema

# Its build tools come from the lock file too, so nothing is fetched that has no hash.
install-waybill = $(VENV)/bin/pip install --quiet --no-build-isolation --no-deps --no-index --editable .

# $(call programs,program:package …): install the Debian packages of the programs that are missing.
programs = missing=; for pair in $(1); do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair\#\#*:}"; \
	done; test -z "$$missing" || { $(call debian,$$missing); }

# $(call debian,packages): as root they are installed, else they are asked for in one line.
debian = if test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		echo "installing $(1)" && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y $(1) >/dev/null; \
	else echo "missing: please run: sudo apt-get install $(1)" >&2; exit 1; fi
