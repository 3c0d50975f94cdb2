.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
INSTALLED := .venv/.installed
# Tests run side by side, a file at a time: two processes of about 1 GB each.
WORKERS ?= 2

.PHONY: help
help: ## say what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# The lock is installed without resolving: dbt-core requires a package that must stay out (pyproject.toml, [tool.uv]).
$(INSTALLED): requirements.lock pyproject.toml
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) is not installed. Install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "$$($(PYTHON) --version) is too old. Install Python 3.11 or newer, or name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { \
	    echo "$$($(PYTHON) --version) has no venv module. Install it (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip --quiet --disable-pip-version-check install uv
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps -r requirements.lock
	.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .
	@touch $@

.PHONY: setup
setup: $(INSTALLED) ## make the virtual environment .venv

# RPC_URL may carry a key: it travels in the environment and is never printed.
.PHONY: demo
demo: export POOLHOUSE_RPC_URL := $(or $(RPC_URL),$(POOLHOUSE_RPC_URL))
demo: CHAIN ?= $(if $(RPC_URL),ethereum,devnet)
demo: $(INSTALLED) ## a warehouse from a local chain; RPC_URL=… CHAIN=… BLOCKS=… loads the last blocks of a real one
	@.venv/bin/poolhouse demo --chain $(CHAIN) $(if $(BLOCKS),--last-blocks $(BLOCKS))

.PHONY: test
test: lint types ## everything CI runs; what needs the BigQuery emulator where Python 3.13 is found
	@.venv/bin/python -m tests.bigquery_emulator.environment
	POOLHOUSE_TEST_BIGQUERY=possible .venv/bin/pytest -n $(WORKERS) --dist loadfile

.PHONY: test-bigquery
test-bigquery: $(INSTALLED) ## Google's real clients, dlt and dbt against a BigQuery emulator; needs Python 3.13 (PYTHON313=…)
	POOLHOUSE_TEST_BIGQUERY=required .venv/bin/pytest tests/bigquery_emulator

# Lives for MINUTES, then some ten minutes of properties. With SEED only the life of that seed, to repeat one that failed.
.PHONY: soak
soak: $(INSTALLED) ## random lives of warehouses, and macros and decoder on ten times as many examples; MINUTES=60, SEED=…
	.venv/bin/python -m tests.warehouse.convergence.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))
	$(if $(SEED),,HYPOTHESIS_PROFILE=soak .venv/bin/pytest -n $(WORKERS) --dist loadfile \
	    tests/loaders/test_decode.py tests/loaders/test_decode_dynamic.py tests/warehouse/test_exact_integers.py)

.PHONY: lint
lint: $(INSTALLED) ## ruff, sqlfluff, yamllint, the schema of workflows
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/sqlfluff lint --disable-progress-bar models tests/invariants
	.venv/bin/yamllint --strict .
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml

.PHONY: types
types: $(INSTALLED) ## mypy, strict
	.venv/bin/mypy

# Side by side: each keeps about one core busy for two minutes.
.PHONY: bigquery-check bigquery-analysis bigquery-parity
bigquery-check: $(INSTALLED) ## every statement for BigQuery analysed, every model run, by Google's own engine; no account needed
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target bigquery-analysis bigquery-parity

bigquery-analysis: $(INSTALLED)
	.venv/bin/python -m tests.warehouse.offline_bigquery

bigquery-parity: $(INSTALLED)
	.venv/bin/python -m tests.warehouse.parity

# dbt 2 lives in an environment of its own under .cache. OPTIONAL=1: a release that cannot be had is no failure.
.PHONY: dbt2-check
dbt2-check: $(INSTALLED) ## parse the project with dbt 2, without a warning
	.ci/dbt2 $(VERSION)

# Without a database the page lacks what only a warehouse knows: types as built, and sizes.
.PHONY: docs
docs: DATABASE ?= $(or $(wildcard demo.duckdb),:memory:)
docs: $(INSTALLED) ## the marts' documentation as one page, .cache/site/index.html; DATABASE=demo.duckdb
	POOLHOUSE_DUCKDB=$(DATABASE) .venv/bin/dbt docs generate --static --target duckdb --target-path .cache/docs \
	    $(if $(filter :memory:,$(DATABASE)),--empty-catalog)
	mkdir -p .cache/site && cp .cache/docs/static_index.html .cache/site/index.html
