"""Packages that only the exchange formats need; they are imported where they are used."""

from __future__ import annotations

from importlib.util import find_spec


def need(*names: str) -> None:
    """Checks that packages are installed before anything is written.

    Raises:
        ValueError: packages are missing.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"this format needs {', '.join(missing)}: pip install -c constraints.txt -e "
            '".[exchange]" in a checkout, as make setup does'
        )
