"""Large checks and measurements of levels; `python -m tools.levels --help` names them."""
