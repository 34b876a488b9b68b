# Two commands are all there is to know: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
# A worker a core; the tests of a file share what is slow to make.
PARALLEL = -n auto --dist loadfile

.PHONY: setup demo test test-all lint coverage lock bench clean

setup: $(STAMP)

# uv installs in a third of pip's time; it is used where it is at hand.
$(STAMP): requirements.txt requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt; \
	fi
	touch $(STAMP)

demo: setup
	$(BIN)/python -m tfcomgan.main --gin_file=gin/scenes.gin

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
