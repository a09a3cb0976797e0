# Every target sets itself up from nothing: a virtual environment, the pinned packages, Qt's system
# libraries where the tests need them. `make PYTHON=python3.12 demo` chooses another Python.

VENV := .venv
BIN := $(VENV)/bin
RUN_NAME := demo-$(shell date +%Y-%m-%d_%H-%M-%S)
RUN := runs/$(RUN_NAME)
SUITS := -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python $(SUITS) 2>/dev/null && { echo $$python; break; }; done)
# Byte-compiling everything takes a third of the installation; Python compiles what is imported when
# it is, unless this variable forbids it. The warnings are about editable installation as such.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test faults lint bench gpu-check bench-monitor pictures why-pictures precision seed-spread noise-quantile ladder converged docs clean

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/runs ## Train the quickstart network, check its health, draw its curves.
	$(BIN)/ris-tf train configs/quickstart.yaml --name $(RUN_NAME)
	@$(BIN)/ris-tf figure training $(RUN) > /dev/null
	@echo "$(BIN)/ris-tf check $(RUN)"
	@$(BIN)/ris-tf check $(RUN); checked=$$?; \
	printf '\n%-9s%s\n' run $(RUN) figure $(RUN)/training.png \
		network $(RUN)/checkpoints/best.keras; \
	exit $$checked

test: $(VENV)/tests ## Run every test.
	@$(BIN)/python tools/qt_libraries.py --install
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

faults: $(VENV)/tests ## Kill, fill, damage, poison and ruin runs by the hundred; prints a table (an hour).
	RIS_FAULTS=full $(BIN)/python -m pytest -m faults -n 2 --dist worksteal

lint: $(VENV)/tests ## Style, types and import walls.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/runs ## Measure the step and the simulator beside this machine's matrix product.
	@for file in $(filter-out %monitor.py,$(wildcard benchmarks/bench_*.py)); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

gpu-check: $(VENV)/runs ## Compare a GPU with the processor, and measure it; prints a table (8 minutes).
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/gpu_check.py

bench-monitor: $(VENV)/runs ## Measure the monitor: window, long logs, many runs (3 minutes).
	$(BIN)/python benchmarks/bench_monitor.py

pictures: $(VENV)/tests ## Train a run and take the pictures of the monitor in docs/images.
	$(BIN)/python tools/pictures.py

why-pictures: $(VENV)/tests ## Plant every cause into a run, take the pictures of docs/why-training-fails.
	$(BIN)/python tools/why_pictures.py

precision: $(VENV)/runs ## Train quickstart in float32, bfloat16 and float16 and compare (10 minutes).
	$(BIN)/python benchmarks/precision.py

seed-spread: $(VENV)/runs ## Train quickstart like a trial under three seeds and compare (5 minutes).
	$(BIN)/python benchmarks/seed_spread.py

noise-quantile: $(VENV)/runs ## Compare the count test with thousands of scenes of noise (2 minutes).
	$(BIN)/python benchmarks/noise_quantile.py

ladder: $(VENV)/runs ## Measure what each step of the estimators is worth; writes docs/estimators.md (an hour).
	$(BIN)/python benchmarks/ladder.py --docs

converged: $(VENV)/runs ## Compare pursuit with an exhaustive search for better maxima (10 minutes).
	$(BIN)/python benchmarks/converged.py

docs: $(VENV)/runs ## Write the tables in docs/ that are made from the code.
	$(BIN)/python tools/knob_table.py

clean: ## Remove the virtual environment and caches; runs stay.
	rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache .import_linter_cache *.egg-info

$(VENV)/made:
	@"$(PYTHON)" $(SUITS) 2>/dev/null || { echo "ris_tf needs Python 3.11 to 3.13 with its venv module \
	(on Debian: apt-get install python3 python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) -q --upgrade pip setuptools
	@touch $@

$(VENV)/runs: $(VENV)/made pyproject.toml constraints.txt
	@echo "installing TensorFlow, Qt and the rest: 1 GB, a minute or two, once"
	$(PIP) --no-build-isolation -e '.[all]'
	@$(BIN)/python tools/qt_libraries.py || true
	@touch $@

$(VENV)/tests: $(VENV)/runs
	$(PIP) --no-build-isolation -e '.[dev]'
	@touch $@
