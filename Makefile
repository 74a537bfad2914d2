# Everything from a fresh clone: Python 3.11 or later and make are all that must be there.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
DATABASE ?= sqlite:///$(CURDIR)/var/fhirhub.db
PATIENTS ?= 50
AUTH ?= smart
# Processes that test side by side, each with databases of its own.
PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help install run test test-citus lint format bench bench-large conformance guide lock docs postgresql clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/compiled ## The virtual environment .venv from the lock, with hashes
	@:

# pip compiles what it installs, but not what it installs to be edited; without this every start would do it anew.
$(VENV)/compiled: $(VENV)/installed $(shell find fhirhub -name '*.py')
	@$(BIN)/python -m compileall -q fhirhub
	@touch $@

$(VENV)/installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed"; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); $(MAKE) --no-print-directory venv-by-apt && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: venv-by-apt
venv-by-apt: # Debian parts the venv module from Python
	@sh scripts/apt_install.sh python3-venv

run: install ## Start the hub with a demo region at http://127.0.0.1:8000/fhir (AUTH=none: without sign-in)
	@$(BIN)/fhirhub serve --database "$(DATABASE)" --auth $(AUTH) --demo --patients $(PATIENTS)

postgresql: # What the tests on PostgreSQL need; without it they are skipped, and say so
	@$(BIN)/python -c "import sys; from tests.postgres import find_programs; sys.exit(not find_programs())" || sh scripts/apt_install.sh postgresql || \
	  echo "PostgreSQL could not be installed: the tests on it will be skipped"

.PHONY: node
node: # What compiles the guide; without it the test that its sources and its JSON agree is skipped, and says so
	@{ command -v node && command -v npm; } >/dev/null || sh scripts/apt_install.sh nodejs npm || \
	  echo "Node.js could not be installed: the guide cannot be compiled"

guide: install node ## The guide's FHIR Shorthand compiled into profiles/fsh-generated and the hub
	$(BIN)/python scripts/compile_guide.py

test: install postgresql node ## All tests, on SQLite and on a throw-away PostgreSQL
	$(BIN)/pytest -n $(PROCESSES) --dist loadfile $(ARGS)

test-citus: install ## The tests of the store and the API on a PostgreSQL with Citus: URL=postgresql://...
	@test -n "$(URL)" || { echo "URL=postgresql://user@host:port/database is missing: an empty one with Citus"; exit 2; }
	$(BIN)/pytest --citus-url "$(URL)" tests/store tests/api tests/test_statements.py $(ARGS)

lint: install ## Style, types, layers and known faults of the dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python scripts/audit_dependencies.py requirements.lock

format: install ## Put the code into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: install postgresql ## Measured figures beside their limits, into bench/RESULTS.md (PEER=URL for another server)
	$(BIN)/python -m bench $(if $(PEER),--peer "$(PEER)") $(ARGS)

bench-large: install postgresql ## The same at a million resources
	$(BIN)/python -m bench --large $(if $(PEER),--peer "$(PEER)") $(ARGS)

.PHONY: java
java: # What HL7's validator runs on; without it that judge says what is missing
	@{ command -v java && command -v mvn; } >/dev/null || sh scripts/apt_install.sh default-jre-headless maven || \
	  echo "Java and Maven could not be installed: HL7's validator cannot run"

.PHONY: chromium
chromium: # The browser in which people sign in; without it that judge says what is missing
	@command -v chromium >/dev/null || sh scripts/apt_install.sh chromium || \
	  echo "Chromium could not be installed: nobody signs in by a browser"

conformance: install postgresql node java chromium ## The running hub judged from outside: HL7's validator, other people's clients
	$(BIN)/python -m conformance $(ARGS)

docs: install ## The documents that are made from code
	$(BIN)/python -m fhirhub.settings > docs/settings.md

COMPILE = .cache/lock/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
  --no-emit-index-url --custom-compile-command "make lock" --extra build

lock: ## Solve the dependencies of pyproject.toml anew
	test -x .cache/lock/bin/uv || { $(PYTHON) -m venv .cache/lock && .cache/lock/bin/pip install --quiet uv; }
	$(COMPILE) --extra dev $(if $(KEEP),,--upgrade) -o requirements.lock pyproject.toml
	$(COMPILE) -c requirements.lock -o requirements-serve.lock pyproject.toml

clean: ## Remove what was made here, but no database
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
