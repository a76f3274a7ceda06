# Everything runs in .venv, which is made from pyproject.toml and the versions in constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO ?= 2000

.PHONY: run test check format schema clean

run: $(VENV)/.installed ## the gateway, over an embedded database with something to look at
	$(BIN)/python app.py serve --demo $(DEMO)

test: $(VENV)/.installed-test ## the whole test suite
	$(BIN)/python -m pytest --cov --cov-report=term

check: $(VENV)/.installed-test ## everything that can be told without running it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schema: $(VENV)/.installed ## write the printed schema to where the tests compare it
	$(BIN)/python app.py schema > schema/schema.graphql

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once ..."
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@
