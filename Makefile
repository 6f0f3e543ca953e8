# Everything sets itself up: a virtual environment in .venv, made from pyproject.toml, is all there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two or more at a time; the scenarios of one group stay together.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup

.PHONY: demo test check lint bench clean help

help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## the whole way, on this machine: an app, an outage, a local Dynatrace
	@$(BIN)/dt-otlp-logs demo

test: $(READY) ## the tests, about two minutes
	@$(PYTEST) -m 'not slow'

check: lint ## lint, format, types, import rules, all tests with the slow ones
	@$(PYTEST)

lint: $(READY) ## lint, format, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY) ## speed against the stock exporter, in one run, as ratios
	@$(BIN)/python benchmarks/against_stock.py

clean: ## remove what was made
	rm -rf $(VENV) .nox dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): pyproject.toml
	@echo "[1/2] making a virtual environment in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "dt-otlp-logs needs Python 3.10 or newer; say which: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/2] installing dt-otlp-logs and what its tests need (one to two minutes)"
	@# pip before 24 gives up on OpenTelemetry's exact pins between pre-releases.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=24.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
