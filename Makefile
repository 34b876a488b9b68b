# Two commands are all there is to know: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
# Those that TensorFlow 2.21 has; the same as in pyproject.toml.
PYTHONS = 3.11 3.12 3.13
VERSION = -c 'import sys; print("%d.%d" % sys.version_info[:2])'
WANTED = Python 3.11, 3.12 or 3.13 is needed
# A worker a core; the tests of a file share what is slow to make.
PARALLEL = -n auto --dist loadfile

.PHONY: setup check demo test test-all lint coverage lock bench clean

setup: check $(STAMP)
	@echo "Ready. For the commands without their path: . '$(CURDIR)/$(BIN)/activate'"

# What is wrong, in one sentence, before pip says it in a hundred lines.
check:
	@if [ -e $(VENV) ]; then \
	  python=$(BIN)/python; \
	else \
	  python='$(PYTHON)'; \
	fi; \
	found=$$($$python $(VERSION) 2>/dev/null); \
	for version in $(PYTHONS); do \
	  if [ "$$found" = $$version ]; then good=yes; fi; \
	  if [ -z "$$other" ] && python$$version -c '' 2>/dev/null; then other=python$$version; fi; \
	done; \
	again="make $(firstword $(MAKECMDGOALS)) PYTHON=$${other:-python3.11}"; \
	if [ -n "$$good" ] && [ ! -e $(VENV) ]; then exit 0; fi; \
	if [ -n "$$good" ] && { command -v uv || $$python -m pip --version; } >/dev/null 2>&1; \
	  then exit 0; fi; \
	if [ -e $(VENV) ]; then \
	  echo "error: $(VENV) is broken or half-made (Python $${found:-that does not run});" \
	    "$(WANTED): rm -rf $(VENV) && $$again" >&2; \
	else \
	  echo "error: $(PYTHON) is $${found:-no Python that runs}; $(WANTED): $$again" >&2; \
	fi; \
	exit 2

# uv installs in a third of pip's time; it is used where it is at hand. Editable, so that
# the commands work from any folder.
$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "error: $(PYTHON) makes no environment; where its venv is missing, install it" \
	    "(Debian: apt install python3-venv) and give the same command again" >&2; exit 2; }
	@echo "Installing TensorFlow and what goes with it into $(VENV); this takes minutes."
	@if command -v uv >/dev/null; then \
	  uv pip install --python $(BIN)/python -r requirements-dev.txt -e .; \
	else \
	  $(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt -e .; \
	fi
	@touch $(STAMP)

demo: setup
	@$(BIN)/tfcomgan --gin_file=gin/scenes.gin

test: setup
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-all: setup
	$(BIN)/python -m pytest $(PARALLEL)

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# Which lines no test runs.
coverage: setup
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" --cov --cov-report=term-missing

# The versions that are installed, for requirements_lock.txt below its comment.
lock: setup
	grep '^#' requirements_lock.txt > .lock
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude pip --exclude tfcomgan >> .lock
	mv .lock requirements_lock.txt

bench: setup
	$(BIN)/python -m benchmarks.train_step

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .coverage
