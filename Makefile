# litellm-otel. `make help` lists the targets; `make demo` and `make test` are all a newcomer needs.
# Requires Python >= 3.10, Go and make; everything else is installed into .venv or built into the
# user's cache folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest


# In the order in which they are missed; those that take long come last.
BINARIES := promtool amtool prometheus alertmanager otelcol-litellm-core compose-check kubeconform \
  helm loki nfpm cyclonedx-gomod otelcol-litellm

export PYTHONUNBUFFERED := 1
# Importing LiteLLM takes twice as long where nobody may keep what was compiled.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# -- using it ----------------------------------------------------------------------------------

.PHONY: demo
demo: $(INSTALLED) ## Show the whole path, gateway to page; ONCE=1 ends after the table
	$(BIN)/python -m stack demo $(if $(ONCE),--once)

.PHONY: stack
stack: $(INSTALLED) ## The demo with Loki and the full collector
	$(BIN)/python -m stack demo --full $(if $(ONCE),--once)

.PHONY: drill
drill: $(INSTALLED) ## Backends fail, the collector is killed, the disk is full: what became of each item
	$(BIN)/python -m stack drill $(DRILL)

.PHONY: bench
bench: $(INSTALLED) ## CPU per request, instrumented against bare, with the resolution it was measured at
	$(BIN)/python -m benchmarks $(BENCH)

.PHONY: sizing
sizing: $(INSTALLED) ## What the collector costs an item, against a plain one of the same components
	$(BIN)/python -m benchmarks.collector $(SIZING)

.PHONY: build
build: $(INSTALLED) ## Build every binary the stack and its tests use
	$(BIN)/python tools/build.py $(BINARIES) > /dev/null

# -- checking it -------------------------------------------------------------------------------

.PHONY: test
test: lint types unit component versions side-by-side chart stack-test ## Everything

.PHONY: lint
lint: $(INSTALLED) ## Style, format and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/docs.py --check

.PHONY: types
types: $(INSTALLED) ## pyright, strict on litellm_otel, and on what runs beside it
	$(BIN)/pyright

.PHONY: unit
unit: $(INSTALLED) ## Seconds: no process, no network
	$(PYTEST) tests/unit

# Most of their time is waiting: so more workers than CPUs. A module goes to one of them, as its tests share
# processes, and some follow on one another.
.PHONY: component
component: $(INSTALLED) ## Real LiteLLM in process and under its servers
	$(PYTEST) -n 4 --dist loadfile tests/component --ignore tests/component/calls/test_failure_injection.py
	$(PYTEST) tests/component/calls/test_failure_injection.py  # breaks our code: in a process of its own

.PHONY: versions
versions: $(INSTALLED) ## Old and new LiteLLM and Pythons, each in an environment of its own
	$(PYTEST) -n 3 tests/versions

.PHONY: side-by-side
side-by-side: $(INSTALLED) ## Other tracers and LiteLLM's own callbacks in the same process
	$(PYTEST) -n 3 tests/side_by_side

.PHONY: chart
chart: build ## The Helm chart: lint, rendering, schemas
	$(PYTEST) tests/chart

.PHONY: stack-test
stack-test: build ## Real binaries end to end
	$(PYTEST) -n 2 --dist loadfile tests/stack

.PHONY: release
release: $(INSTALLED) ## Archives, deb, rpm, SBOMs and checksums in dist/; SIGN='command {}' signs
	$(BIN)/python tools/release.py $(RELEASE) $(if $(SIGN),--sign '$(SIGN)')

# -- developing it -----------------------------------------------------------------------------

.PHONY: format
format: $(INSTALLED) ## Put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(INSTALLED) ## Generate docs/metrics.md and docs/configuration.md
	$(BIN)/python tools/docs.py

.PHONY: lock
lock: $(BIN)/uv ## Resolve the dependencies anew
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.10 --generate-hashes --no-header \
	  --group dev pyproject.toml -o requirements/dev.txt
	echo uv | $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.10 --generate-hashes \
	  --no-header --no-annotate - -o requirements/installer.txt
	$(BIN)/python -m tests.environments lock

.PHONY: clean
clean: ## Remove the environment and what was built here
	rm -rf $(VENV) build dist

$(BIN)/uv: requirements/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "Python 3.10 or newer is needed and $(PYTHON) is $$($(PYTHON) --version 2>&1); use: make PYTHON=python3.11 ..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/installer.txt
	@touch $@

$(INSTALLED): $(BIN)/uv pyproject.toml requirements/dev.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@
