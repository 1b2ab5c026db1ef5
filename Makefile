# Each verb sets up what it needs and skips what is already there.
# ARGS passes options on, for example: make serve ARGS="--port 9000"

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
PYTHON ?= python3.11 python3.12 python3.13 python3
ARGS ?=

# Imports compile what is really used; pip would compile all of torch, which takes longer than
# everything else (docs/design/003-dependencies.md). So imports must be allowed to.
unexport PYTHONDONTWRITEBYTECODE

.NOTPARALLEL:
.PHONY: help quickstart test check docs bench serve lock clean

help: ## show the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(RUNTIME) ## fine-tune a small model on the sample task, prove it, say what is next
	$(BIN)/tunery quickstart $(ARGS)

test: $(DEV) ## run the tests, with the coverage floor unless ARGS chooses some of them
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),--cov)

check: $(DEV) ## formatting, lint, types, layers, spelling, sizes and the documents
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python -m pytest -q tests/architecture

docs: $(DEV) ## write docs/reference again, from the commands' help and the configuration's keys
	$(BIN)/python -m tunery.cli.reference > docs/reference/cli.md
	$(BIN)/python -c 'from tunery.config.reference import render_markdown as keys; \
	  print("# Configuration\n\nMade from the keys of the configuration by `make docs`.\n\n" \
	  + keys(), end="")' > docs/reference/configuration.md

bench: $(RUNTIME) ## train the sample rows with Tunery and with TRL, side by side
	$(BIN)/python -m benchmarks.train_vs_peers \
	  $(if $(ARGS),$(ARGS),--case sample)

serve: $(RUNTIME) ## answer the OpenAI API for the models on this machine
	$(BIN)/tunery serve $(ARGS)

lock: $(DEV) ## pin all dependencies of pyproject.toml again; ARGS=--upgrade for newer versions
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.lock \
	  --output-file requirements-dev.lock pyproject.toml
	@# A mirror's torch may be a local build, 2.13.0+cpu; the version without it fits all of them.
	@sed -i.old 's/^\(torch==[^+]*\)+.*/\1/' requirements.lock requirements-dev.lock
	@rm requirements.lock.old requirements-dev.lock.old

clean: ## remove the virtual environment and the caches; models and runs stay
	rm -rf $(VENV) .venv-* build dist .coverage .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras \
  --allow-unsafe --build-deps-for editable --no-emit-index-url --no-emit-find-links \
  --no-emit-trusted-host --no-emit-options $(ARGS)

# The package itself is installed without resolving anything again, with the locked build tool.
# -qq: pip's warnings are about the machine's own settings; its errors still show.
define install
@echo "Installing $(1) into $(VENV); the first time takes a minute or more, torch is large ..."
@$(PIP) install -qq --no-compile --requirement $(1)
@$(PIP) install -qq --no-compile --no-deps --no-build-isolation --editable .
endef

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements.lock)
	@touch $@

# The second lock holds the first one's packages too, at the same versions.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.lock)
	@touch $(RUNTIME) $@

$(BIN)/python:
	@echo "Making the virtual environment $(VENV) ..."
	@for python in $(PYTHON); do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	      2>/dev/null; then \
	    $$python -m venv $(VENV) && exit 0; \
	    rm -rf $(VENV); exit 1; \
	  fi; \
	done; \
	echo "None of these is Python 3.11 or newer with its venv module: $(PYTHON)." >&2; \
	echo "Install one (Debian: apt-get install python3-venv) or name it: make PYTHON=/path/to/python3.11" >&2; \
	exit 1
