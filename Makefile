# align: everything a newcomer or CI runs. `make` alone lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# TORCH_INDEX=https://... takes torch from another index (CPU wheels for Linux without a GPU); the pin is in constraints.txt.
TORCH_INDEX ?=

.DEFAULT_GOAL := help
.PHONY: help quickstart app setup test unit long check docs bench soak clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(VENV)/ready  ## set up, then raw dumps to a judged model; the last line is the report's path
	$(BIN)/align run recipes/quickstart.yaml

app: $(VENV)/ready-app  ## set up, then the curation app in the browser, on the quickstart's pool
	$(BIN)/align app

setup: $(VENV)/ready-dev  ## set up everything for development

test: $(VENV)/ready-dev  ## set up and pass the tests (two workers, under ten minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

unit: $(VENV)/ready-dev  ## the tests that train nothing (under a minute)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow and not soak and not long" $(ARGS)

long: $(VENV)/ready-dev  ## the tests that `make test` leaves out: several processes, kills, native engines
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m long $(ARGS)

check: $(VENV)/ready-dev  ## format, lint, types, layers, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cog --check -r docs/*.md README.md

docs: $(VENV)/ready-dev  ## write the generated parts of the docs anew
	$(BIN)/cog -r docs/*.md README.md

bench: $(VENV)/ready-dev  ## the benchmarks; figures go into benchmarks/README.md by hand, with the command
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

soak: $(VENV)/ready-dev  ## the long fault and fuzz runs
	$(BIN)/python -m pytest -m soak $(ARGS)

clean:  ## remove the environment; the store .align/ stays
	rm -rf $(VENV)

$(VENV)/ready: pyproject.toml constraints.txt
	@echo "setting up $(VENV): about 2 GB of packages, some minutes"
	@$(PYTHON) -c 'import sys; sys.exit("align needs Python 3.11 or newer (this is %d.%d); make PYTHON=python3.12 names another" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(PIP) install --quiet --constraint constraints.txt --index-url $(TORCH_INDEX) torch)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/ready-app: $(VENV)/ready
	$(PIP) install --quiet --constraint constraints.txt --editable '.[app]'
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
