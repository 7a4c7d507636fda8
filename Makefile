# `make quick` and `make test` set everything up by themselves. PYTHON=python3.12 chooses the interpreter.
BIN := .venv/bin
export PYTHON

.PHONY: help setup quick test fast lint clean

help:   ## what can be made
	@sed -n 's/^\([a-z]*\): .*## /  make \1  \t/p' $(MAKEFILE_LIST)

setup:  ## virtual environment, pinned packages
	@tools/setup.sh

quick: setup  ## the whole story on a laptop: demonstrations to aligned agents, into runs/quick
	$(BIN)/python -m baselines.pipeline quick --out runs/quick

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
