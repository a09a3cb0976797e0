# Every target sets itself up from nothing: a virtual environment, the pinned packages, Qt's system
# libraries where the tests need them. `make PYTHON=python3.12 demo` chooses another Python.

VENV := .venv
BIN := $(VENV)/bin
RUN_NAME := demo$(if $(wildcard runs/demo),-$(shell date +%Y-%m-%d_%H-%M-%S))
RUN := runs/$(RUN_NAME)
SUITS := -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'
# One more than the two cores that CI has: tests wait for processes, disks and clocks, too.
WORKERS ?= 3
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python $(SUITS) 2>/dev/null && { echo $$python; break; }; done)
# Byte-compiling everything takes a third of the installation; Python compiles what is imported when
# it is, unless this variable forbids it. The warnings are about editable installation as such.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test faults lint bench gpu-check bench-monitor pictures why-pictures precision seed-spread noise-quantile ladder converged docs docs-site animation release wheels clean

help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/runs ## Train the quickstart network, check it, draw its curves.
	$(BIN)/ris-tf train configs/quickstart.yaml --name $(RUN_NAME)
	@$(BIN)/ris-tf figure training $(RUN) > /dev/null
	@echo "$(BIN)/ris-tf check $(RUN)"
	@$(BIN)/ris-tf check $(RUN); checked=$$?; \
	printf '%-9s%s\n' run $(RUN) figure $(RUN)/training.png \
		network $(RUN)/checkpoints/best.keras; \
	exit $$checked

test: $(VENV)/tests ## Run every test.
	@$(BIN)/python tools/qt_libraries.py --install
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20 --durations-min 5

faults: $(VENV)/tests ## Kill, fill, damage, poison runs by the hundred (hours).
	RIS_FAULTS=full $(BIN)/python -m pytest -m faults -n 2 --dist worksteal

lint: $(VENV)/tests ## Style, types and import walls.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/runs ## Measure step and simulator beside the matrix product.
	@for file in $(filter-out %monitor.py,$(wildcard benchmarks/bench_*.py)); do echo "== $$file"; TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python $$file || exit 1; done

gpu-check: $(VENV)/runs ## Compare a GPU with the processor; measure it (8 minutes).
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/gpu_check.py

bench-monitor: $(VENV)/runs ## Measure window, long logs, many runs (3 minutes).
	$(BIN)/python benchmarks/bench_monitor.py

pictures: $(VENV)/tests ## Take the pictures of the monitor in docs/images (an hour).
	$(BIN)/python tools/pictures.py

why-pictures: $(VENV)/tests ## Take the pictures of docs/why-training-fails.
	$(BIN)/python tools/why_pictures.py

animation: $(VENV)/runs ## Make the README's moving picture from a run of pictures.
	$(BIN)/python tools/animation.py

precision: $(VENV)/runs ## Compare float32, bfloat16 and float16 (10 minutes).
	$(BIN)/python benchmarks/precision.py

seed-spread: $(VENV)/runs ## Compare one configuration under three seeds (5 minutes).
	$(BIN)/python benchmarks/seed_spread.py

noise-quantile: $(VENV)/runs ## Compare the count test with noise alone (2 minutes).
	$(BIN)/python benchmarks/noise_quantile.py

ladder: $(VENV)/runs ## What each step of the estimators is worth (an hour).
	$(BIN)/python benchmarks/ladder.py --docs

converged: $(VENV)/runs ## Compare pursuit with an exhaustive search (10 minutes).
	$(BIN)/python benchmarks/converged.py

docs: $(VENV)/runs ## Write the tables in docs/ that are made from the code.
	$(BIN)/python tools/knob_table.py
	$(BIN)/python tools/command_page.py

docs-site: $(VENV)/site ## Build the documentation as a site that opens offline.
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo site/index.html

release: $(VENV)/runs ## Build and check wheel and sdist in dist/; uploads nothing.
	$(BIN)/python tools/release.py

wheels: release ## Try the wheel with each Python and extra (20 minutes).
	$(BIN)/python tools/wheels.py $(PYTHONS)

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

$(VENV)/site: $(VENV)/made pyproject.toml constraints.txt
	$(PIP) -q --no-build-isolation -e '.[docs]'
	@touch $@
