# Two commands do everything, set-up included: `make demo` and `make test`. The second time they are quick.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test checks-of-python checks-of-typescript cover slow fire bench docs audit lowest clean

# Ours where there is none: uv brings the exact packages of uv.lock into .venv.
UV := $(shell command -v uv || echo .tools/bin/uv)
RUN := .venv/bin/
CLIENT := npm --prefix web/client run --silent
DASHBOARD := npm --prefix web/dashboard run --silent
STAGE := scripts/stage
PURE := tests/protocol tests/stream tests/hub
CENTRIFUGO := github.com/centrifugal/centrifugo/v6@v6.9.1
NPM := $(shell command -v npm)
GO := $(shell command -v go)
PEERS := $(if $(NPM),benchmarks/peers/node/node_modules/.synced) $(if $(GO),.tools/bin/centrifugo)
# What stands on the packages of others. Warnings that they have mended since are no promise of ours.
LOWEST := tests/protocol tests/auth tests/catalogue tests/client tests/jobs tests/outbox tests/prometheus tests/server tests/testing tests/tracing \
	tests/brokers/nats/test_nats_keeps_the_contract.py tests/brokers/test_publishers_reach_the_broker_from_any_code.py \
	tests/cli/test_commands_against_a_running_system.py tests/radar/store tests/test_the_readme_tells_the_truth.py
SIDE_BY_SIDE := -n 4 --no-loadscope-reorder
# What two chains say is not mixed, where make can do that; macOS brings one that cannot.
TWO_AT_A_TIME := --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=line)
IMPURE := $(addprefix --ignore=,$(PURE))

# uv takes the Python that is here and fetches none.
export UV_PYTHON_DOWNLOADS := never

# The tests start hundreds of processes: what one has compiled, the others find.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo   the whole path, live: broker, API, worker, a sample of 2,000 messages, a dashboard"
	@echo "make test   lint, types, layers and all tests"
	@echo "make cover  which lines the tests run"
	@echo "make slow   the same laws, attacked for hours"
	@echo "make fire   the promise, attacked for ten minutes by kills, pauses and a faulty network"
	@echo "make bench  fan-out, latency, memory and connecting, beside every other way to do it (docs/benchmarks.md)"
	@echo "make docs   the documentation as a site: build/site/index.html"
	@echo "make lowest the tests of what depends on others, on the oldest versions that pyproject.toml allows (asks the network)"
	@echo "make audit  known vulnerabilities of what we depend on (asks the network)"

demo: .venv/.synced web/dashboard/dist/.built
	@$(RUN)pulse-radar demo $(ARGS)

test:
	@$(MAKE) $(TWO_AT_A_TIME) checks-of-python checks-of-typescript
	@$(STAGE) "all other tests" $(RUN)pytest -q $(SIDE_BY_SIDE) $(IMPURE) --durations=10 $(ARGS) \
		|| $(STAGE) "what failed, once more and alone" $(RUN)pytest -q --last-failed --last-failed-no-failures none $(IMPURE)

# Finding all tests compiles them once, before several processes would do it at the same time.
checks-of-python: .venv/.synced
	@$(STAGE) "lint" $(RUN)ruff check .
	@$(STAGE) "format" $(RUN)ruff format --check --quiet .
	@$(STAGE) "types" $(RUN)mypy
	@$(STAGE) "layers" $(RUN)lint-imports --no-cache
	@$(STAGE) "tests of the pure storeys" $(RUN)pytest -q $(PURE)
	@$(STAGE) "all tests are found" $(RUN)pytest -qq --collect-only --no-summary > /dev/null
	@$(STAGE) "chromium" scripts/chromium

checks-of-typescript: web/node_modules/.synced web/reference/node_modules/.synced
	@$(STAGE) "client: lint and format" $(CLIENT) lint
	@$(STAGE) "client: types" $(CLIENT) types
	@$(STAGE) "client: tests" $(CLIENT) test
	@$(STAGE) "client: build" $(CLIENT) build
	@$(STAGE) "client: sizes" $(CLIENT) size
	@$(STAGE) "client: shape" $(CLIENT) shape
	@$(STAGE) "dashboard: lint and format" $(DASHBOARD) lint
	@$(STAGE) "dashboard: types" $(DASHBOARD) types
	@$(STAGE) "dashboard: tests" $(DASHBOARD) test
	@$(MAKE) --silent web/dashboard/dist/.built
	@$(STAGE) "dashboard: size" $(DASHBOARD) size

# Apart from `make test`: counting lines makes our code three times as slow.
cover: .venv/.synced web/dashboard/dist/.built
	@$(RUN)pytest -q $(SIDE_BY_SIDE) --cov --cov-report=term:skip-covered $(ARGS)

# A seed of its own each time; ARGS="--seed 7 --seconds 60" makes a plan again.
fire: .venv/.synced
	@$(RUN)python -m pulse_radar.testing.fire --seconds 600 --clients 300 --crowds 3 --apis 3 --workers 2 --brokers 3 --gap 1.2 $(ARGS)

slow: .venv/.synced web/node_modules/.synced web/dashboard/dist/.built
	@FAST_CHECK_RUNS=100000 $(CLIENT) test -- --project pure --test-timeout 3600000
	@HYPOTHESIS_PROFILE=slow $(RUN)pytest -q --timeout=7200 $(PURE) tests/brokers $(ARGS)
	@HYPOTHESIS_PROFILE=slow $(RUN)pytest -q --show-capture=no --timeout=7200 tests/fuzz $(ARGS)
	@[ "$$(uname -sm)" != "Linux x86_64" ] || $(UV) run --frozen --all-extras --with "atheris>=3" \
		python -m tests.fuzz.coverage_guided -max_total_time=600
	@$(RUN)pytest -q --storm-seconds=90 tests/stock_clients $(ARGS)
	@HYPOTHESIS_PROFILE=slow $(RUN)pytest -q --timeout=7200 -m slow tests/server tests/promise tests/radar tests/packaging $(ARGS)

# Peers have packages of their own, which nothing else needs; one whose language is not here is left out. ARGS="--quick" is a look.
bench: .venv/.benchmarked $(PEERS)
	@$(if $(NPM),,echo "== no Node here: Socket.IO on Node is left out")
	@$(if $(GO),,echo "== no Go here: Centrifugo is left out")
	@$(RUN)python -m benchmarks $(ARGS)

# Into build/site: strict, so that no link leads nowhere.
docs: .venv/.documented web/node_modules/.synced web/reference/node_modules/.synced
	@$(STAGE) "docs: pages" $(RUN)python scripts/site.py build/pages
	@$(STAGE) "docs: TypeScript" npm --prefix web/reference run --silent reference
	@$(STAGE) "docs: site" $(RUN)zensical build --clean --strict
	@$(STAGE) "docs: alone" $(RUN)python scripts/alone.py build/site

# What npm brings only to build and to test with reaches nobody. A mirror that answers no audits fails it, and says so.
audit: .venv/.synced
	@$(UV) export --quiet --all-extras --no-emit-project --format requirements-txt > .venv/requirements.txt
	@$(STAGE) "Python packages" $(UV) tool run pip-audit --requirement .venv/requirements.txt --no-deps --disable-pip --strict
	@$(STAGE) "npm packages" npm --prefix web audit --package-lock-only --omit=dev

# Of a package whose oldest version has no wheel the bound says which has one: nobody else's compiler is needed.
lowest: .venv/.synced web/dashboard/dist/.built
	@$(STAGE) "versions" $(UV) pip compile --quiet --resolution lowest-direct --only-binary sentencex --all-extras pyproject.toml --output-file .tools/lowest.txt
	@$(STAGE) "environment" $(UV) venv --quiet --clear --python .venv/bin/python .tools/lowest
	@$(STAGE) "packages" $(UV) pip install --quiet --python .tools/lowest --constraint .tools/lowest.txt --group dev --editable ".[all]"
	@$(STAGE) "tests" env PATH="$(CURDIR)/.tools/lowest/bin:$$PATH" .tools/lowest/bin/pytest -q --override-ini filterwarnings=default $(LOWEST) $(ARGS)

clean:
	rm -rf .venv .tools .pulse artifacts build .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis web/node_modules web/*/node_modules web/*/dist

.venv/.synced: pyproject.toml uv.lock | $(UV)
	@$(STAGE) "packages" $(UV) sync --frozen --all-extras --quiet
	@touch $@

.venv/.benchmarked: pyproject.toml uv.lock .venv/.synced
	@$(STAGE) "packages of the peers" $(UV) sync --frozen --all-extras --group bench --inexact --quiet
	@touch $@

benchmarks/peers/node/node_modules/.synced: benchmarks/peers/node/package-lock.json
	@$(STAGE) "npm packages of the peers" npm --prefix benchmarks/peers/node ci --silent
	@touch $@

# A Go that is too old for it keeps nobody else from being measured.
.tools/bin/centrifugo: Makefile
	-@GOBIN="$(CURDIR)/.tools/bin" $(STAGE) "Centrifugo" go install $(CENTRIFUGO) && touch $@

.venv/.documented: pyproject.toml uv.lock .venv/.synced
	@$(STAGE) "packages of the site" $(UV) sync --frozen --all-extras --group docs --inexact --quiet
	@touch $@

web/reference/node_modules/.synced: web/reference/package-lock.json
	@$(STAGE) "npm packages of the reference" npm --prefix web/reference ci --silent
	@touch $@

web/dashboard/dist/.built: web/node_modules/.synced web/dashboard/index.html web/dashboard/vite.config.ts $(shell find web/dashboard/src web/dashboard/public web/client/src -type f)
	@$(STAGE) "dashboard: build" $(DASHBOARD) build
	@touch $@

web/node_modules/.synced: web/package-lock.json web/client/package.json web/dashboard/package.json web/react-18/package.json
	@$(STAGE) "npm packages" npm --prefix web ci --silent
	@touch $@

.tools/bin/uv:
	@$(STAGE) "uv" python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .tools uv
