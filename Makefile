# Commands of the project; `make` alone lists them. Needs Python 3.11 or newer, nothing else.

VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.setup
# Two workers pay on two cores; PYTEST_ARGS="tests/unit -x" narrows a run.
JOBS   ?= 2
PYTEST_ARGS ?=
ARGS   ?=
# What the demo replays, where it lies beside the project; without it payments are made up from a seed.
TRANSACTIONS ?= $(wildcard ../shared/data/mini_500c.csv.gz)
# The contract of the last release, as a compiled image; `make freeze` writes it when a release is made.
FROZEN := protos/released.binpb
# Google's protos, copied from the installed package to where buf looks for them.
GOOGLE := .cache/protos/.version

.DEFAULT_GOAL := help
.PHONY: try screenshots help setup browser demo serve test check unit lint format types layers contract generate stale migration freeze bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## make .venv and install keelpay with its tools (once; again when pyproject.toml changes)

$(STAMP): pyproject.toml
	@set -eu; \
	if [ ! -x $(BIN)/python ]; then \
	  found=; \
	  for name in $${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3 python; do \
	    if $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      found=$$name; break; \
	    fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "setup: no Python 3.11 or newer with venv found. On Debian: apt install python3 python3-venv." >&2; \
	    echo "       Or name one: make setup PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  echo "setup: making $(VENV) with $$($$found --version)"; \
	  $$found -m venv $(VENV); \
	fi; \
	echo "setup: installing keelpay and its tools"; \
	if [ ! -x $(BIN)/uv ]; then $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true; fi; \
	if [ -x $(BIN)/uv ] && $(BIN)/uv pip install --quiet --python $(BIN)/python -e '.[dev]'; then :; \
	elif $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'; then :; \
	else \
	  echo "setup: the packages could not be installed; is the package index reachable? (its words are above)" >&2; \
	  exit 1; \
	fi; \
	touch $(STAMP); \
	echo "setup: done"

browser: ## what tests of the pages need beside Python: Debian's Chromium, Node.js and npm (installed where we may)
	@missing=; for name in chromium npm; do command -v $$name >/dev/null || missing="$$missing $$name"; done; \
	case "$$missing" in *chromium*) missing="$$missing fonts-liberation fonts-noto-cjk";; esac; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "browser: installing$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends$$missing >/dev/null \
	    || echo "browser:$$missing could not be installed; tests that need them are skipped" >&2; \
	else \
	  echo "browser:$$missing not found; tests that need them are skipped. On Debian: apt install$$missing" >&2; \
	fi

demo: setup ## one payment told step by step, a short simulation, the books; leaves nothing running
	@$(BIN)/keelpay demo $(if $(TRANSACTIONS),--file $(TRANSACTIONS)) $(ARGS)

serve: setup ## start the server (ARGS="--help" for its options)
	@$(BIN)/keelpay serve $(ARGS)

try: setup ## links to pay on a server that runs (make serve) with your own finger
	@$(BIN)/keelpay try $(ARGS)

screenshots: setup browser ## every screen of the pages as a picture, into var/screenshots (ARGS="look paid" for some)
	@$(BIN)/python -m tests.e2e.pages.screenshots $(ARGS)

test: check unit ## everything that has to pass: all checks, then all tests

check: setup stale contract lint types layers ## every check but the tests

unit: setup browser
	@echo "== tests"
	@$(BIN)/pytest -q -n $(JOBS) $(PYTEST_ARGS)

# Files have 60 to 250 lines. Named are those well above, written by hand and no list of tables: they may hold two nouns.
# A test has more room for its cases; the limit for all (400) is held by tests/unit/tidy/test_size.py.
lint: setup ## ruff: rules and formatting
	@echo "== ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@git -c 'safe.directory=*' ls-files -co --exclude-standard '*.py' ':!sdk/keelpay/api' ':!*/migrations/versions' \
	 | xargs grep -sL 'do not edit' | xargs wc -l \
	 | awk '$$2 != "total" && $$1 > ($$2 ~ /^tests/ ? 350 : 275) {print "   " $$2 " has " $$1 " lines: is it one noun?"}'

format: setup $(GOOGLE) ## format Python and protos
	@$(BIN)/ruff check --quiet --fix-only . ; $(BIN)/ruff format . ; $(BIN)/buf format protos --write

types: setup ## mypy, strict, over server, SDK and tools
	@echo "== mypy"
	@$(BIN)/mypy --no-error-summary

layers: setup ## who imports whom (import-linter)
	@echo "== layers"
	@mkdir -p .cache
	@$(BIN)/lint-imports --no-logo --cache-dir .cache/layers > .cache/layers.txt || { cat .cache/layers.txt; exit 1; }

$(GOOGLE): $(STAMP)
	@$(BIN)/python protos/tools/google_protos.py && touch $(GOOGLE)

contract: setup $(GOOGLE) ## buf: lint, formatting and breaking changes of the protos
	@echo "== buf"
	@$(BIN)/buf lint protos
	@$(BIN)/buf format protos --diff --exit-code
	@if [ -f $(FROZEN) ]; then $(BIN)/buf breaking protos --against $(FROZEN); \
	 else echo "   breaking: no release yet, so nothing to break"; fi

generate: setup ## write what is made: API code, enums, reasons, docs/errors.md, the SDK's blocking client
	@$(BIN)/python protos/tools/generate.py
	@$(BIN)/python sdk/generate_sync.py

stale: setup
	@echo "== generated code"
	@$(BIN)/python protos/tools/generate.py --check
	@$(BIN)/python sdk/generate_sync.py --check

migration: setup ## write the next migration after tables changed: make migration m="Payments know their device"
	@$(BIN)/python server/tools/new_migration.py $(if $(m),"$(m)") $(ARGS)

freeze: setup stale ## at a release: remember the contract, so that later changes cannot break it
	@$(BIN)/buf build protos --exclude-source-info --output $(FROZEN)

bench: setup ## measure (ARGS="--help" for what there is)
	@$(BIN)/python -m bench $(ARGS)

clean: ## remove .venv and everything made by tools
	@rm -rf $(VENV) .cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
