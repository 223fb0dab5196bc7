# `make demo` and `make test` set up everything they need in .venv.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start many processes: what Python has compiled once, it keeps.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test lint types pytest programs docs clean

help:
	@echo "make demo   install assay and run a small study on drawn characters"
	@echo "make test   install what the tests need; linter, type checker, tests"
	@echo "make docs   install what the documentation needs; build it into docs/_build/html"
	@echo "make clean  remove the virtual environment and caches"

demo: .venv/installed
	$(BIN)/assay run pooling --quick --out assay-runs/demo
	@echo "To see it in a browser: $(BIN)/assay view"

test: lint types pytest

lint: .venv/tests-installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/tests-installed
	$(BIN)/mypy --num-workers 2

pytest: .venv/tests-installed programs
	$(BIN)/pytest -n 3 --dist worksteal

# Tests open the report and the local page in a browser, compile its LaTeX and watch a study's system calls. Where
# Chromium, TeX or strace is missing and cannot be installed, these skip and say so; with CI=true they fail instead.
programs:
	@command -v strace >/dev/null || $(call install,strace) || \
	  echo "strace is not installed: power cuts will not be replayed"
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || \
	  $(call install,chromium) || echo "Chromium is not installed: the tests in a browser will be skipped"
	@{ command -v pdflatex && command -v pdftotext; } >/dev/null || \
	  $(call install,--no-install-recommends texlive-latex-base texlive-latex-recommended lmodern poppler-utils) || \
	  echo "pdflatex or pdftotext is not installed: LaTeX will not be compiled"

install = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null; }

# Warnings are errors; nothing is fetched.
docs: .venv/docs-installed
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build/html
	@echo "docs/_build/html/index.html"

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "assay needs Python 3.11 or newer; set PYTHON=... to one"; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

.venv/installed: .venv/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[view]'
	touch $@

.venv/tests-installed: .venv/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

.venv/docs-installed: .venv/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

clean:
	rm -rf .venv docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis
