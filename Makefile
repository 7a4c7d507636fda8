# `make quick` and `make test` set everything up by themselves. PYTHON=python3.12 chooses the interpreter.
BIN := .venv/bin
export PYTHON

.PHONY: help setup quick reproduce test fast lint clean

help:   ## what can be made
	@sed -n 's/^\([a-z]*\): .*## /  make \1  \t/p' $(MAKEFILE_LIST)

setup:  ## virtual environment, pinned packages
	@tools/setup.sh

quick: setup  ## the whole story on a laptop: demonstrations to aligned agents, into runs/quick
	$(BIN)/python -m baselines.pipeline quick --out runs/quick

reproduce: setup  ## every figure of the paper and more, five seeds: many hours, in pieces if you like, into runs/reproduce
	$(BIN)/python -m baselines.reproduce all --preset quick --seeds 5 --out runs/reproduce

test: lint  ## lint, types, then every test
	$(BIN)/python -m pytest

fast: setup  ## the fast tests only
	$(BIN)/python -m pytest -m "not slow"

lint: setup  ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python

clean:  ## remove what can be made again, but no runs
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './runs/*' -prune -exec rm -rf {} +
