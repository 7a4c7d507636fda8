"""The packages that only the exchange with other formats needs; they are imported late, where they are used."""

from __future__ import annotations

from importlib.util import find_spec


def need(*names: str) -> None:
    """Makes sure that packages are there before anything is written.

    Raises:
        ValueError: some are missing.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"this format needs {', '.join(missing)}: pip install -c constraints.txt -e "
            '".[exchange]" in a checkout, as make setup does'
        )
