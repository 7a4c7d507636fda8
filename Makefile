# All targets first run the setup. PYTHON=python3.12 chooses the interpreter; TORCH=cuda PyTorch for GPUs, once for all.
BIN := .venv/bin
# One process per core, each with whole files, so that what a file's tests share is made once.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile
export PYTHON TORCH

.PHONY: help setup quick reproduce test fast thorough lint clean

help:   ## list the targets
	@sed -n 's/^\([a-z]*\): .*## /  make \1  \t/p' $(MAKEFILE_LIST)

setup:  ## create .venv with pinned packages (CPU build of PyTorch; TORCH=cuda for a GPU)
	@tools/setup.sh

quick: setup  ## run the whole procedure on a laptop, from demonstrations to aligned agents, into runs/quick
	$(BIN)/python -m baselines.pipeline quick --out runs/quick

reproduce: setup  ## rerun every experiment with five seeds into runs/reproduce: hours, resumable
	$(BIN)/python -m baselines.reproduce all --preset quick --seeds 5 --out runs/reproduce

test: lint  ## lint, type checks and all tests
	$(PYTEST)

fast: setup  ## only the fast tests
	$(PYTEST) -m "not slow"

thorough: setup  ## kill every command at every moment, flip more bits, reach a cluster from outside: six minutes
	JUMPPAD_THOROUGH=1 $(PYTEST) tests/test_every_moment.py tests/test_fuzz_readers.py tests/cluster/test_same_bytes.py

lint: setup  ## ruff and pyright
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python

clean:  ## remove .venv, builds and caches, but no runs
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +
