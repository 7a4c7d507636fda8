"""Draws the pictures of docs/islands.md.

python -m tools.pictures_of_levels
"""

from pathlib import Path

from jumppad_env.levels import LevelSettings
from jumppad_env.levels.settings import MODES
from tools.pictures_of_levels.film import draw_film
from tools.pictures_of_levels.maps import draw_maps
from tools.pictures_of_levels.sheets import draw_flags, draw_levels

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Draws all pictures."""
    for mode in MODES:
        draw_levels(LevelSettings(mode), DOCS / f"islands_{mode}_64.png", DOCS / f"islands_{mode}.jpg")
    draw_flags(DOCS / "islands_flags_64.png")
    draw_maps(DOCS / "islands_maps.png")
    draw_film(DOCS / "islands_chain.gif")


if __name__ == "__main__":
    main()
