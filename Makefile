# Everything runs in .venv, which is made from pyproject.toml and the versions in constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO ?= 2000
MINUTES ?= 60

.PHONY: run test check bench format audits schema clean

run: $(VENV)/.installed ## the gateway, over an embedded database with something to look at
	$(BIN)/python app.py serve --demo $(DEMO)

test: $(VENV)/.installed-test audits ## the whole test suite, on SQLite and on PostgreSQL
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-append --cov-report=term --database postgres

check: $(VENV)/.installed-test ## everything that can be told without running it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

audits: ## what the audits of GraphQL over HTTP need, where npm is
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory tests/audits/node_modules; fi

tests/audits/node_modules: tests/audits/package.json
	npm install --prefix tests/audits --no-audit --no-fund --no-package-lock --silent
	@touch $@

bench: export PYTHONPATH := $(CURDIR)
bench: $(VENV)/.installed-test ## speed, growth, import, start and memory, as ratios; four hours
	for kind in sqlite postgres; do \
	  $(BIN)/python bench/run.py --database $$kind && \
	  $(BIN)/python bench/growth.py --database $$kind && \
	  $(BIN)/python bench/import_rate.py --database $$kind && \
	  $(BIN)/python bench/endurance.py $(MINUTES) --database $$kind || exit 1; \
	done

schema: $(VENV)/.installed ## write the printed schema to where the tests compare it
	$(BIN)/python app.py schema > schema/schema.graphql

clean:
	rm -rf $(VENV) tests/audits/node_modules build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once ..."
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@
