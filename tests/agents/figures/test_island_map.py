"""The map shows what the model holds, and paths where they went."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from agents.figures.island_map import MAP_COLORS, draw_map, draw_paths, load_map
from jumppad_env.island import load_island


def drawn_map(paths=()):
    """The map as a picture, and the function that gives the color at a place (x, y) m."""
    figure = Figure(figsize=(4, 8), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    draw_map(axes)
    draw_paths(axes, paths, "#ff0000", width=4)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]

    def color(x, y):
        column, row = axes.transData.transform((x, y))
        return pixels[pixels.shape[0] - 1 - int(row), int(column)] / 255

    return color


def test_a_path_is_drawn_where_it_went():
    color = drawn_map([np.array([[-3.0, 20.0], [-3.0, 30.0], [5.0, 30.0]])])
    for place in ((-3.0, 22.0), (-3.0, 29.0), (2.0, 30.0)):
        assert color(*place)[0] > color(*place)[1] + 0.5, place
    for place in ((3.0, 22.0), (-2.0, 25.0), (-4.5, 30.0), (2.0, 29.0)):
        assert np.ptp(color(*place)) < 0.1, place


def test_the_map_shows_walls_and_pads_where_the_model_has_them():
    island, color = load_island(), drawn_map()
    for x, y, _ in island.pads:
        assert color(x, y) == pytest.approx(to_rgb(MAP_COLORS["pad"]), abs=0.01)
    for name in ("neck_wall_left", "plaza_wall_back", "garden_wall_2_right"):
        x, y, _ = island.model.geom_pos[island.model.geom(name).id]
        assert color(x, y) == pytest.approx(to_rgb(MAP_COLORS["wall"]), abs=0.01)
    assert color(1.2, 16.0) == pytest.approx(to_rgb(MAP_COLORS["lane"]), abs=0.01)


def test_everything_that_matters_lies_inside_the_map():
    left, right, bottom, top = load_map().bounds
    places = np.concatenate([load_island().pads[:, :2], load_map().spawns])
    assert ((places > (left, bottom)) & (places < (right, top))).all()


def test_an_outline_has_the_corners_of_its_box_in_order():
    model = load_island().model
    geom = model.geom("terrace_left").id
    assert model.geom_quat[geom].tolist() == [1, 0, 0, 0]
    x, y = model.geom_pos[geom, :2, None] + model.geom_size[geom, :2, None] * [-1, 1]
    outline = next(outline for outline in load_map().layers["terrace"] if outline[0, 0] < 0)
    first = np.argmin(outline.sum(axis=1))
    expected = [[x[0], y[0]], [x[1], y[0]], [x[1], y[1]], [x[0], y[1]]]
    assert np.roll(outline, -first, axis=0) == pytest.approx(np.array(expected), abs=1e-5)
