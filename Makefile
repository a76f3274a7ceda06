# Everything runs in .venv, made from pyproject.toml and the versions in constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DEMO ?= 2000
MINUTES ?= 60
# One more than there are cores, because many tests wait: for programs to start, and for clients.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(os.cpu_count() + 1)")
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --database both
# Programs start faster with the bytecode of the ones before.
unexport PYTHONDONTWRITEBYTECODE

# Rooms of tests/, or files in them, that `make test` runs; empty for all.
ONLY ?=
CHOSEN := $(patsubst %/,%,$(patsubst tests/%,%,$(ONLY)))
ROOMS = $(sort $(patsubst tests/%/,%,$(dir $(wildcard $(addsuffix test_*.py,tests/*/ tests/*/*/ tests/*/*/*/)))))
UNKNOWN := $(strip $(foreach room,$(CHOSEN),$(if $(wildcard tests/$(room)),,$(room))))
ifneq ($(UNKNOWN),)
  $(error There is no tests/$(firstword $(UNKNOWN)). ONLY takes files in tests/ and these rooms: $(ROOMS))
endif

# Prefer a Node that pip has installed into the environment to the system's.
export PATH := $(CURDIR)/$(BIN):$(PATH)
HAS_NPM := command -v node > /dev/null && command -v npm > /dev/null
# The status of console/build.mjs where npm reaches no registry.
NOT_INSTALLED := 3

IS_NEW_ENOUGH = $(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" 2> /dev/null
# An environment is made anew if its Python is gone, too old or another than the one that is
# named, or if the folder was moved, because its programs know where they are.
VERSION := -c "import sys; print(*sys.version_info[:2])"
INSTALLED_IN := $(shell cat $(VENV)/.installed 2> /dev/null)
ifneq ($(wildcard $(VENV)),)
  ifneq ($(shell $(BIN)/python -c "import sys; print(sys.version_info >= (3, 11))" 2> /dev/null),True)
    STALE := 1
  else ifeq ($(findstring |$(INSTALLED_IN)|,||$(CURDIR)|),)
    STALE := 1
  else ifeq ($(shell $(IS_NEW_ENOUGH) && echo yes),yes)
    ifneq ($(shell $(PYTHON) $(VERSION)),$(shell $(BIN)/python $(VERSION)))
      STALE := 1
    endif
  endif
endif
ifdef STALE
  $(info Making $(VENV) anew: it was made by another Python, or for another folder)
  $(shell rm -rf $(VENV))
endif

.PHONY: run test test-load test-drawn console-test check bench flowise console screenshots format audits protocols clients schema released-schema clean

run: $(VENV)/.installed ## run the gateway over an SQLite file with demo executions
	@if $(HAS_NPM); then node console/build.mjs --beside $$$$ & \
	elif [ ! -e server/static/console/index.html ]; then \
		echo "Console: there is none, and GraphiQL is a CDN's; with npm and Node 20.19, or 22.12 or newer, both are built in"; \
	fi; \
	exec $(BIN)/python app.py serve --demo $(DEMO)

console: ## build the console and GraphiQL into the gateway; needs npm and Node 20.19, or 22.12 or newer
	@$(HAS_NPM) || { echo "Console: to build it, npm and Node 20.19, or 22.12 or newer, are needed"; exit 1; }
	@node console/build.mjs

screenshots: $(VENV)/.installed-test console ## retake the pictures in the README and in docs; needs Chromium, and Debian's fonts-inter
	$(BIN)/python -m tests.console.screenshots

ifeq ($(CHOSEN),)
test: ## run the test suite on SQLite and PostgreSQL; ONLY=server/rest for one room
	@$(MAKE) --no-print-directory --jobs $(WORKERS) $(VENV)/.installed-test audits protocols clients console-test
	$(PYTEST) -m "not load" --cov --cov-report=term
else
test: $(VENV)/.installed-test
	$(PYTEST) -m "not load" $(CHOSEN:%=tests/%)
endif

console-test: ## build the console and GraphiQL and run their unit tests, if npm can install what they need
	@$(HAS_NPM) && node console/build.mjs --check || exit 0; \
	node console/build.mjs; status=$$?; \
	case $$status in \
	0) npm test --prefix console --silent ;; \
	$(NOT_INSTALLED)) echo "Console: its unit tests are skipped" ;; \
	*) exit $$status ;; \
	esac

test-load: $(VENV)/.installed-test ## run the load tests, which take minutes
	$(BIN)/python -m pytest --database both -m load --hypothesis-profile thorough -o faulthandler_timeout=3600

test-drawn: $(VENV)/.installed-test ## run the tests that draw their input with many more examples
	$(PYTEST) -m "hypothesis and not load" --hypothesis-profile thorough

check: $(VENV)/.installed-test ## check formatting, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -d console/node_modules ]; then npm run check --prefix console --silent; fi

format: $(VENV)/.installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@if [ -d console/node_modules ]; then npm run format --prefix console --silent; fi

audits: ## install what the audits of GraphQL over HTTP need, if npm is installed
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory tests/audits/node_modules; fi

tests/audits/node_modules: tests/audits/package.json
	npm install --prefix tests/audits --no-audit --no-fund --no-package-lock --silent
	@touch $@

protocols: ## install the clients that run the protocols' tables of cases, if npm is installed
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory $(patsubst %/package.json,%/node_modules,$(wildcard tests/protocols/*/package.json)); fi

tests/protocols/%/node_modules: tests/protocols/%/package.json
	npm install --prefix tests/protocols/$* --no-audit --no-fund --no-package-lock --silent
	@touch $@

clients: $(VENV)/clients/.installed ## install clients and their generators for the tests; those of TypeScript need npm
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory tests/clients/node_modules; fi

# A separate environment, because the generators need other versions than the gateway.
$(VENV)/clients/.installed: tests/clients/requirements.txt $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/clients
	$(VENV)/clients/bin/python -m pip --disable-pip-version-check --quiet install -r $<
	@touch $@

tests/clients/node_modules: tests/clients/package.json
	npm install --prefix tests/clients --no-audit --no-fund --no-package-lock --silent
	@touch $@

bench: export PYTHONPATH := $(CURDIR)
bench: $(VENV)/.installed-test ## run the benchmarks, as ratios: speed, growth, import, events, start and memory; four hours
	for kind in sqlite postgres; do \
	  $(BIN)/python bench/run.py --database $$kind && \
	  $(BIN)/python bench/growth.py --database $$kind && \
	  $(BIN)/python bench/import_rate.py --database $$kind && \
	  $(BIN)/python bench/deletion.py --database $$kind && \
	  $(BIN)/python bench/subscribers.py --database $$kind && \
	  $(BIN)/python bench/outbox.py --database $$kind && \
	  $(BIN)/python bench/endurance.py $(MINUTES) --database $$kind || exit 1; \
	done

flowise: $(VENV)/.installed-test ## install the real Flowise, run it with the gateway in front, and measure both; needs npm, 3 GB and half an hour
	$(BIN)/python -m tests.flowise

schema: $(VENV)/.installed ## print the schema to schema/schema.graphql
	$(BIN)/python app.py schema > schema/schema.graphql

released-schema: schema ## when releasing: make this schema the one that clients were made for
	cp schema/schema.graphql tests/clients/released.graphql

clean:
	rm -rf $(VENV) tests/audits/node_modules tests/protocols/*/node_modules tests/clients/node_modules console/node_modules console/dist console/src/console/generated server/static/console build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(IS_NEW_ENOUGH) || { echo "Python 3.11 or newer is needed; $(PYTHON) is" \
	  "$$($(PYTHON) --version 2>&1 || echo 'not there'). Name another: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) can't make an environment;" \
	  "on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV), once ..."
	$(PIP) install -c constraints.txt -e .
	@echo '$(CURDIR)' > $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e ".[test]"
	@touch $@
