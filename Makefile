# dropgrid. A fresh machine needs only Python 3.11 or newer and make for `make demo`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Keeps pytest's compiled tests between runs: compiling them costs each worker 5 s.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup setup-compare wheels demo test test-all lint lint-page quick simulate installed bench mutants lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

setup: $(READY)  ## build .venv from requirements.lock, with madmom's networks

# The stamp is written last, so an interrupted setup runs again.
$(READY): requirements.lock pyproject.toml setup.py $(wildcard workflow/dropgrid/native/*.[ch]) packaging/madmom.txt $(wildcard packaging/models/*.*)
	@$(PYTHON) packaging/check_python.py
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation ./packaging/models
	$(BIN)/pip install --quiet --no-deps --editable .
	@$(BIN)/python -m compileall -q workflow
	@touch $@

# Other systems, which only tests and benchmarks run: madmom and aubio are compiled if there is a
# compiler, the others installed if there is a wheel for this machine.
COMPARE := .venv/.compare
setup-compare: $(COMPARE)  ## install other systems for comparison (madmom, Mixxx's analyser, essentia, aubio)

$(COMPARE): $(READY) $(wildcard packaging/madmom/*.*) benchmarks/requirements.txt
	$(BIN)/pip install --quiet --no-deps ./packaging/madmom
	@for system in $$(grep -v '^#' benchmarks/requirements.txt); do \
		$(BIN)/pip install --quiet --no-deps --no-build-isolation --only-binary mixxx-analyzer,essentia $$system \
			|| echo "$$system cannot be installed here; its tests are skipped"; \
	done
	@touch $@

wheels: setup  ## build the wheels of dropgrid and of its networks into dist/
	$(BIN)/python packaging/wheels.py dist

demo: setup  ## synthesise a small library, analyse it, show the result
	@$(BIN)/dropgrid demo demo
	$(BIN)/snakemake --cores all --config library=demo/music results=demo/results \
		'evaluation={references: [demo/references]}'
	@$(BIN)/dropgrid list --results demo/results

test: setup setup-compare  ## lint and all tests except the slow ones; ten minutes on two cores
	@tests/checks.sh test

test-all: setup setup-compare  ## every check, with real browsers, clusters and long runs; half an hour
	@tests/checks.sh all

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/launch.smk workflow/rules
	$(BIN)/mypy
	$(BIN)/python tests/lint_workflow.py
	@$(MAKE) --no-print-directory lint-page

# The page's scripts: ESLint, and TypeScript's checker. Nothing else needs node.
lint-page:
	@if ! command -v npm >/dev/null; then echo "no npm: the page's scripts are not linted"; \
	elif [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent; then npm run --silent lint; \
	else echo "npm cannot install the linters: the page's scripts are not linted"; fi

quick: setup  ## the fast tests that do not run the workflow; a minute on two cores
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not alone" tests/unit

simulate: setup  ## random events in a folder of music and its results; STEPS=1000000 takes hours
	STEPS=$(STEPS) $(BIN)/python -m pytest -q tests/simulation -k any_world

STEPS ?= 20000

installed: setup  ## test the wheels in separate environments, from lowest to newest Snakemake; minutes
	DROPGRID_INSTALLED=1 $(BIN)/python -m pytest tests/installed

bench: setup setup-compare  ## speed and memory compared with Mixxx's analyser, librosa and madmom; minutes
	$(BIN)/python benchmarks/run.py

mutants: setup  ## mutation testing of the unit tests; OF="rhythm jobs/policy.py"; hours
	$(BIN)/python tests/mutants.py $(OF)

OF ?= rhythm structure library.py jobs results run

lock:  ## renew requirements.lock from requirements.in (needs uv)
	uv pip compile --universal --fork-strategy fewest --no-annotate --no-header \
		--python-version 3.11 requirements.in --output-file requirements.lock

clean:  ## remove the outputs of demo and tests
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
