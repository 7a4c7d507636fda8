"""Maps of levels show floors, walls and pads where physics has them."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from agents.figures.island_map import draw_map
from agents.figures.level_map import LEVEL_COLORS, load_level_map
from jumppad_env.levels import COLORS, LevelSettings, make_level

HARD = LevelSettings("hard", islands=2)
SETTINGS = LevelSettings(), HARD, LevelSettings("hard", pads=5)


def drawn(level):
    """The function that gives the color of the map at places (n, 2) m."""
    figure = Figure(figsize=(6, 12), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_map(axes, 1.0, load_level_map(level))
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]

    def colors(places):
        columns, rows = axes.transData.transform(places).astype(int).T
        return pixels[len(pixels) - 1 - rows, columns] / 255

    return colors


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("number", [0, 3])
def test_pads_have_their_colors_and_walls_stand_where_they_block(settings, number):
    level = make_level(number, settings)
    colors = drawn(level)
    for island, shown in zip(level.islands, level.colors, strict=True):
        wanted = [to_rgb(LEVEL_COLORS[COLORS[color]]) for color in shown]
        assert colors(island.pads[:, :2]) == pytest.approx(np.array(wanted), abs=0.01)
    for walls, origin in zip(level.walls, level.origins, strict=True):
        outward = np.column_stack([walls[:, 3] - walls[:, 1], walls[:, 0] - walls[:, 2]])
        outward *= 0.2 / np.linalg.norm(outward, axis=1)[:, None]
        middles = (walls[:, :2] + walls[:, 2:4]) / 2 + origin
        wall = np.abs(colors(middles + outward) - to_rgb(LEVEL_COLORS["wall"])).max(axis=1) < 0.02
        assert wall.mean() > 0.9  # some are shorter than a pixel


def test_what_makes_levels_hard_is_on_the_map():
    layers = [set(load_level_map(make_level(number, HARD)).layers) for number in range(12)]
    for layer in ("bridge", "block", "way of the block", "decoy"):
        shown = [layer in found for found in layers]
        assert any(shown) and not all(shown), layer
    easy = set(load_level_map(make_level(0, LevelSettings())).layers)
    assert easy == {"terrace", "ground", "stairs", "wall", "red", "blue", "yellow"}


def test_a_block_is_where_it_begins_and_inside_of_its_way():
    for number in range(20):
        level = make_level(number, LevelSettings("hard"))
        layers = load_level_map(level).layers
        if "block" not in layers:
            continue
        _, x, y, reach_x, reach_y, _, phase = level.blocks[0]
        place = np.array([x + reach_x * np.sin(phase), y + reach_y * np.sin(phase)])
        assert layers["block"][0].mean(axis=0) == pytest.approx(place)
        way, block = layers["way of the block"][0], layers["block"][0]
        assert (block >= way.min(axis=0) - 1e-9).all() and (block <= way.max(axis=0) + 1e-9).all()


def test_everything_lies_inside_the_map():
    island_map = load_level_map(make_level(3, HARD))
    left, right, bottom, top = island_map.bounds
    for layer in ("wall", "red", "blue", "yellow"):
        for polygon in island_map.layers[layer]:
            assert ((polygon > (left, bottom)) & (polygon < (right, top))).all()
