"""The imitation-then-align agent: networks, one file per stage, evaluation and report."""
