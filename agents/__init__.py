"""Agents that do not learn: scripted demonstrators; rollouts, datasets and figures for all agents."""

import importlib.util
import os
import sys

import jumppad_env  # noqa: F401  # before all else: a worker process begins to watch its parent

_backend = os.environ.get("MPLBACKEND", "")
_missing = _backend.startswith("module://") and not importlib.util.find_spec(_backend[len("module://") :].split(".")[0])
if sys.argv[:1] == ["-m"] or _missing:
    # Commands only write figures. A notebook's shell names its own backend, with which matplotlib fails at its import.
    os.environ["MPLBACKEND"] = "agg"
