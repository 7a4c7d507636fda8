"""Draws the pictures of docs/islands.md.

python -m tools.pictures_of_levels
"""

import argparse
from pathlib import Path

from jumppad_env.levels import LevelSettings
from jumppad_env.levels.settings import MODES
from tools.pictures_of_levels.film import draw_film
from tools.pictures_of_levels.maps import draw_maps
from tools.pictures_of_levels.sheets import draw_flags, draw_levels

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Draws all pictures."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m tools.pictures_of_levels", description=about)
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the pictures (default docs)")
    out = parser.parse_args().out
    for mode in MODES:
        draw_levels(LevelSettings(mode), out / f"islands_{mode}_64.png", out / f"islands_{mode}.jpg")
    draw_flags(out / "islands_flags_64.png")
    draw_maps(out / "islands_maps.png")
    draw_film(out / "islands_chain.gif")


if __name__ == "__main__":
    main()
