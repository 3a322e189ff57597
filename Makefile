# 惠企通. Each target says what it does in `make help`.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMPS := .venv/.stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
COMPILE_HOW := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
  --no-header --quiet
COMPILE := $(BIN)/uv pip compile pyproject.toml --group build $(COMPILE_HOW)
# Arguments for pytest, e.g. make test T='-k ledger -x'
T ?=
WORKERS ?= 2

.PHONY: help setup run test check style types direction templates spelling dependencies locks \
  fix lock migration assets nightly clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMPS)/run $(STAMPS)/project $(STAMPS)/assets  ## Prepare .venv with hqt and build the front end

run: setup  ## Set up, then migrate, build the demo city and serve it on 127.0.0.1:8000
	$(BIN)/hqt demo

test: setup $(STAMPS)/dev  ## Run every test (T='-k name' for some)
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -n $(WORKERS) -m "not nightly" $(T)

check: style types direction templates spelling dependencies locks  ## Run every static check

style: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMPS)/dev
	$(BIN)/mypy

direction: $(STAMPS)/dev
	$(BIN)/lint-imports

templates: $(STAMPS)/dev
	@if [ -d app/templates ]; then $(BIN)/djlint app/templates --lint --quiet; fi

spelling: $(STAMPS)/dev
	$(BIN)/codespell

dependencies: $(STAMPS)/dev
	$(BIN)/deptry .

locks:
	@! grep -nE '(https?|file)://|"resolved"' requirements/*.lock app/assets/package-lock.json \
	  tests/browser/npm/package-lock.json || { echo 'a lock file names a host'; exit 1; }

fix:  ## Put style right where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMPS)/dev  ## Resolve both lock files anew from pyproject.toml
	$(COMPILE) --upgrade --output-file requirements/run.lock
	$(COMPILE) --upgrade --group dev --constraint requirements/run.lock --output-file requirements/dev.lock
	$(BIN)/uv pip compile --group node $(COMPILE_HOW) --upgrade --output-file requirements/node.lock

migration:  ## Write a migration from the tables (M='what changes')
	@test -n "$(M)" || { echo "say what changes: make migration M='...'"; exit 2; }
	$(BIN)/python -m app.migrate "$(M)"

assets: $(STAMPS)/assets  ## Build CSS and JavaScript

nightly: setup $(STAMPS)/dev  ## Run the long forms of the tests as well
	$(BIN)/python -m tests.browser.chromium
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -n $(WORKERS) $(T)

clean:  ## Remove what was built (not var/, which holds your data)
	rm -rf .venv app/static/dist app/assets/node_modules tests/browser/npm/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- stamps: a second run does nothing ---------------------------------------------------------

$(BIN)/python:
	$(PYTHON) -m venv .venv

$(STAMPS)/run: requirements/run.lock | $(BIN)/python
	@mkdir -p $(STAMPS)
	$(PIP) install --require-hashes -r requirements/run.lock
	@touch $@

$(STAMPS)/dev: requirements/dev.lock $(STAMPS)/run
	$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/run
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/assets: $(wildcard app/assets/*.json app/assets/*.mjs app/assets/css/* app/assets/src/*) $(STAMPS)/run
	$(BIN)/python app/assets/build.py
	@touch $@
