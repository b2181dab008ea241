# Every chore of the project. `make demo` and `make test` install what they need themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Debian splits venv from python3; root (a container, CI) may fetch it.
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -y

.PHONY: demo test check lint types unit bench format clean

demo: $(VENV)/.installed  ## run the daemon against the bundled CPA simulator, with live traffic
	$(BIN)/python -m cpamp.demo

test: lint types unit  ## all that CI runs

check: lint types

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tested
	$(BIN)/mypy

unit: $(VENV)/.tested
	$(BIN)/python -m pytest

bench: $(VENV)/.installed  ## the table of figures in the README
	$(BIN)/python -m cpamp.bench

format: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(APT) update && $(APT) install python3-venv; }
	$(PYTHON) -m venv $(VENV)

# The package is built from a copy of what git knows, so that no build residue lands in the tree.
$(VENV)/.installed: $(BIN)/python setup.cfg pyproject.toml $(shell git ls-files cpamp twisted 2>/dev/null)
	$(BIN)/pip install --quiet --disable-pip-version-check .
	rm -rf build cpamp.egg-info
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check '.[test]'
	rm -rf build cpamp.egg-info
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
