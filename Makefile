# From a fresh clone every target sets up what it needs in .venv and then runs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALLED := $(VENV)/.installed
LINT_INSTALLED := $(VENV)/.installed-lint
DOCS_INSTALLED := $(VENV)/.installed-docs
FUZZ_INSTALLED := $(VENV)/.installed-fuzz
DIST_INSTALLED := $(VENV)/.installed-dist
HOOKS_INSTALLED := $(VENV)/.installed-hooks
MUTATION_INSTALLED := $(VENV)/.installed-mutation
OLDEST := .venv-oldest
OLDEST_PIP := $(OLDEST)/bin/python -m pip --disable-pip-version-check --quiet
OLDEST_INSTALLED := $(OLDEST)/.installed

# Every worker imports PyTorch and collects all tests: more of them gain little.
SIDE_BY_SIDE := -n logical --maxprocesses 4

# One thread: the networks of the tests are small, and OpenMP spins on a busy machine.
test test-slow test-oldest test-exchange coverage mutation docs bench: export OMP_NUM_THREADS = 1

# Tests and benchmarks that want real micrographs read the folder named by PUCLASSIFY_DATA.

.PHONY: help demo test test-slow test-gpu test-oldest coverage mutation lint fuzz hooks docs bench
.PHONY: dist test-exchange clean

help:
	@echo "make demo         train, pick, measure, extract and look, into demo/"
	@echo "make test         the test suite (under 10 minutes on 2 cores)"
	@echo "make test-slow    the tests marked slow"
	@echo "make test-gpu     the tests marked gpu"
	@echo "make test-oldest  the test suite with the oldest releases that pyproject.toml admits"
	@echo "make test-exchange  models of the oldest releases opened by the newest, and back"
	@echo "make coverage     the share of lines and branches that the test suite runs"
	@echo "make mutation     change the code bit by bit and list what no test notices (hours);"
	@echo "                  ONLY='puclassify.grid*' for one package, module or function"
	@echo "make lint         ruff, codespell, docstrings, types and advisories (pip-audit)"
	@echo "make fuzz         look for files that break a reader (FUZZ_SECONDS=3600 for each kind)"
	@echo "make hooks        run the linters before every commit and push (pre-commit)"
	@echo "make docs         the documentation, into docs/_build/html"
	@echo "make bench        short runs of the benchmarks that need no data and no other program"
	@echo "make dist         sdist and wheel, into dist/, checked and tried in a new environment"
	@echo "make test PYTHON=python3.13 VENV=.venv-3.13  any of them with another Python"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade "pip>=25.1"

$(INSTALLED): $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable ".[all,cryosparc]" --group test
	@touch $@

$(LINT_INSTALLED): $(INSTALLED)
	$(PIP) install --constraint constraints.txt --group lint
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(PIP) install --constraint constraints.txt --group docs
	@touch $@

$(DIST_INSTALLED): $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --group dist
	@touch $@

$(HOOKS_INSTALLED): $(LINT_INSTALLED)
	$(PIP) install --constraint constraints.txt --group hooks
	@touch $@

# atheris has no wheels for every system: nothing else needs it.
$(FUZZ_INSTALLED): $(INSTALLED)
	$(PIP) install atheris
	@touch $@

$(MUTATION_INSTALLED): $(INSTALLED)
	$(PIP) install --constraint constraints.txt --group mutation
	@touch $@

$(OLDEST_INSTALLED): pyproject.toml tests/oldest.py
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST_PIP) install --upgrade "pip>=25.1"
	$(OLDEST)/bin/python tests/oldest.py > $(OLDEST)/constraints.txt
	$(OLDEST_PIP) install --constraint $(OLDEST)/constraints.txt --editable ".[all,cryosparc]" \
		--group test
	@touch $@

demo: $(INSTALLED)
	$(BIN)/python examples/picking/demo.py --output demo

test: $(INSTALLED)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not gpu"

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

test-gpu: $(INSTALLED)
	$(BIN)/python -m pytest -m gpu

# Old releases use what newer ones below them have deprecated since: that warns and does not fail.
test-oldest: $(OLDEST_INSTALLED)
	$(OLDEST)/bin/python -m pytest -m "not slow and not gpu" \
		-W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning

EXCHANGED := build/exchange
test-exchange: $(INSTALLED) $(OLDEST_INSTALLED)
	$(OLDEST)/bin/python tests/exchange.py write $(EXCHANGED)/old
	$(BIN)/python tests/exchange.py read $(EXCHANGED)/old
	$(BIN)/python tests/exchange.py write $(EXCHANGED)/new
	$(OLDEST)/bin/python tests/exchange.py read $(EXCHANGED)/new

coverage: $(INSTALLED)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not gpu" --quiet --cov --cov-report term

# Part of neither the test suite nor continuous integration: a look at the tests, now and then.
ONLY ?= *
mutation: $(MUTATION_INSTALLED)
	$(BIN)/python tests/mutation.py '$(ONLY)'

lint: $(LINT_INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell puclassify tests examples docs README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/python -m mypy
	$(BIN)/python docs/validate_docstrings.py
	$(BIN)/python tests/advisories.py

FUZZ_SECONDS ?= 3600
FUZZ_KINDS ?= mrc gzip png jpeg tiff star box table csv

fuzz: $(FUZZ_INSTALLED)
	for kind in $(FUZZ_KINDS); do \
		$(BIN)/python tests/fuzz/fuzz_readers.py $$kind -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

hooks: $(HOOKS_INSTALLED)
	$(BIN)/pre-commit install --hook-type pre-commit --hook-type pre-push

docs: $(DOCS_INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/check_offline.py docs/_build/html

# Short runs, a few minutes in all; the pages of docs/benchmarks name the commands of their figures.
# What reads images from PUCLASSIFY_DATA is left out, and so is Topaz.
bench: $(INSTALLED)
	$(BIN)/python examples/benchmarks/digits.py --networks mlp --criteria nnpu --seeds 1
	$(BIN)/python examples/benchmarks/other_libraries.py --libraries puclassify --data digits --seeds 1
	$(BIN)/python examples/benchmarks/calibration.py --seeds 1
	$(BIN)/python examples/benchmarks/priors.py --seeds 1
	$(BIN)/python examples/benchmarks/prior_cases.py --draws 2
	$(BIN)/python examples/benchmarks/pu_metrics.py --draws 20
	$(BIN)/python examples/benchmarks/selection_bias.py --seeds 2
	$(BIN)/python examples/benchmarks/import_time.py --repetitions 1
	$(BIN)/python examples/benchmarks/nms.py --repetitions 3
	$(BIN)/python examples/benchmarks/simulator_speed.py --micrographs 3
	$(BIN)/python examples/benchmarks/scoring.py --topaz "" --micrographs 2 --repetitions 1
	$(BIN)/python examples/benchmarks/throughput.py --topaz "" --micrographs 4 --repetitions 1
	$(BIN)/python examples/benchmarks/streaming.py --micrographs 100
	$(BIN)/python examples/benchmarks/training.py --topaz "" --sets ring --seeds 1 --epochs 1
	$(BIN)/python examples/benchmarks/networks.py --networks resnet9 --sets ring --seeds 1 --epochs 1
	$(BIN)/python examples/benchmarks/objectives_picking.py --objectives ours --sets ring \
		--labels 100 --seeds 1 --epochs 1
	$(BIN)/python examples/benchmarks/picking_thresholds.py --sets ring --seeds 1 --epochs 2
	$(BIN)/python examples/benchmarks/against_topaz.py --topaz "" --simulated --kinds ring \
		--snr 0.2 --seeds 1

# The wheel is built from the sdist, so that this lacks nothing.
dist: $(DIST_INSTALLED)
	rm -rf build dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python tests/distribution.py dist

clean:
	rm -rf $(VENV) $(OLDEST) build dist demo docs/_build docs/auto_examples docs/generated *.egg-info
