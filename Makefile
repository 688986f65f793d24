# `make` alone prints what can be made. Every target sets up what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LAB := $(BIN)/lab
# How many test processes run side by side; `make test JOBS=0` for one after the other.
JOBS ?= 2
# What the lab runs on: embedded, or compose (containers).
TARGET ?=
OF_TARGET = $(if $(TARGET),--target $(TARGET))

.PHONY: help setup fetch lab-up lab-down lab-status experiments verify test check fix lock clean

help: ## Print this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "First time: make verify   (sets everything up, starts the lab, checks the claims)"

setup: $(STAMP) ## Make the virtual environment with the locked packages
$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

fetch: setup ## Download and prepare everything; afterwards no network is needed
	@$(LAB) fetch

lab-up: setup ## Start the lab and prove it ready; TARGET=compose: in containers
	@$(LAB) up $(OF_TARGET)

lab-down: setup ## Stop the lab; its data stays
	@$(LAB) down $(OF_TARGET)

lab-status: setup ## Show what runs and where it answers
	@$(LAB) status $(OF_TARGET)

experiments: setup ## Run the experiments on the lab (one is started if none runs)
	@$(LAB) verify $(OF_TARGET)

verify: setup fetch ## Everything: set up, start the lab, check the claims, write the report
	@$(LAB) verify $(OF_TARGET)

test: setup ## Run the tests
	@$(LAB) fetch
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check: setup ## Look, change nothing: format, lint, types, import directions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: setup ## Format, and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup ## Maintainers: pin the Python packages anew
	@cd requirements && for set in dev lab; do \
	  extra=$$([ $$set = dev ] && echo "--extra dev" || echo "--constraint dev.txt"); \
	  ../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $$extra ../pyproject.toml --output-file $$set.txt; done

clean: ## Remove the virtual environment and what tools left; labs are stopped first
	@if [ -x $(LAB) ]; then $(LAB) down --all; fi
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
