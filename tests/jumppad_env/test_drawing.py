import threading

import gymnasium
import mujoco
import numpy as np
import pytest

from jumppad_env.drawing import Painter, camera_rotation
from jumppad_env.island import character_path, load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.scenery import HIDDEN_GROUP, drawing_model
from jumppad_env.vector_env import Gallery
from jumppad_env.world import STATE, World

ISLAND = load_island()
SIZE = (64, 96)
PLACES = [
    (0.0, -2.5, 0.0),
    (0.0, 13.0, 1.0),
    (0.0, 26.0, 1.0),
    (-8.0, 36.0, 1.0),
    (8.0, 36.0, 1.0),
    (-11.0, 12.0, -1.5),
]


@pytest.fixture(scope="module")
def painter():
    painter = Painter(*SIZE)
    yield painter
    painter.close()


def draw(painter: Painter, state: np.ndarray, character: str = "rider") -> np.ndarray:
    frame = np.empty((painter.height, painter.width, 3), np.uint8)
    painter.draw(state, character, frame)
    return frame


def standing(position=(0.0, 0.0, 0.0), heading: float = 0.0, **columns: float) -> np.ndarray:
    world = World(1)
    world.place(0, "rider", np.array(position), heading)
    state = world.get_state(0)
    for name, value in columns.items():
        state[STATE.index(name)] = value
    return state


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference, 0 to 255."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def test_the_same_state_is_the_same_frame(painter):
    frames = [draw(painter, standing(place)) for place in PLACES]
    again = [draw(painter, standing(place)) for place in reversed(PLACES)][::-1]
    assert np.array_equal(frames, again)
    other = Painter(*SIZE)
    assert np.array_equal(frames, [draw(other, standing(place)) for place in PLACES])
    other.close()


def test_a_change_of_character_does_not_show_an_older_frame(painter):
    states = [standing(place) for place in PLACES]
    frames = [[draw(painter, state, name) for state in states] for name in ("rider", "walker")]
    for index, state in enumerate(states):
        for character, name in enumerate(("rider", "walker")):
            assert np.array_equal(draw(painter, state, name), frames[character][index])


def test_frames_are_not_flipped():
    painter = Painter(*SIZE)
    up, down = (draw(painter, standing(camera_tilt=tilt)) for tilt in (0.3, -0.6))
    painter.close()
    sky = up[:8].astype(float).mean(axis=(0, 1))
    assert sky[2] > sky[0] + 30, "the sky is above, and blue"
    assert difference(up, down) > 20


def test_left_and_right_are_told_apart_by_what_is_seen(painter):
    left, right = (draw(painter, standing((x, 34.0, 1.0), heading)) for x, heading in ((-6.5, 0.4), (6.5, -0.4)))
    assert difference(left, right) > 10
    assert difference(left, right[:, ::-1]) > 3, "nor is one the mirror image of the other"
    ahead = draw(painter, standing((0, 13.0, 1.0)))
    assert difference(ahead, ahead[:, ::-1]) > 3, "the landmarks to the left are others than to the right"


def test_every_character_looks_different(painter):
    frames = [draw(painter, standing(), name) for name in CHARACTERS]
    for one in range(len(frames)):
        for other in range(one):
            assert (frames[one] != frames[other]).any(axis=2).sum() > 20


def test_the_character_stands_left_of_the_center():
    painter = Painter(128, 128)
    frames = [draw(painter, standing((0, 15.0, 1.0)), name) for name in ("rider", "walker", "bruiser", "mystic")]
    changed = np.any([(frame != frames[0]).any(axis=2) for frame in frames[1:]], axis=0)
    rows, columns = np.nonzero(changed)
    assert 0.36 < np.median(columns) / 128 < 0.48
    assert 0.4 < np.median(rows) / 128 < 0.8
    painter.close()


def test_what_matters_is_seen(painter):
    base = standing((0, 15.0, 1.0))
    changes = {
        "x": 0.5,
        "y": 16.0,
        "z": 1.5,
        "yaw": 0.7,
        "arm": 2.0,
        "camera_yaw": 0.1,
        "camera_tilt": 0.1,
        "mounted": 0.0,
    }
    for name in STATE:
        state = base.copy()
        state[STATE.index(name)] = changes.get(name, 1.0)
        assert (difference(draw(painter, base), draw(painter, state)) > 0) == (name in changes), name


def test_pads_shine_yellow_from_the_neck(painter):
    frame = draw(painter, standing((0, 22.0, 1.0))).astype(int)
    yellow = (frame[..., 0] > 180) & (frame[..., 1] > 130) & (frame[..., 2] < 110)
    columns = np.nonzero(yellow)[1]
    assert len(columns) > 10 and columns.min() < SIZE[1] / 3 and columns.max() > SIZE[1] / 2


def test_threads_draw_what_one_draws(painter):
    generator = np.random.default_rng(0)
    states = np.stack([standing((*generator.uniform(-3, 3, 2), 0.0), generator.uniform(-3, 3)) for _ in range(18)])
    characters = [list(CHARACTERS)[row % 2] for row in range(18)]
    expected = np.stack([draw(painter, state, name) for state, name in zip(states, characters, strict=True)])
    for threads in (1, 2, 3):
        gallery = Gallery(*SIZE, threads=threads)
        frames = np.zeros((18, *SIZE, 3), np.uint8)
        gallery.draw(states, characters, frames)
        assert np.array_equal(frames, expected)
        mask = np.arange(18) % 5 == 0
        part = np.full_like(frames, 7)
        gallery.draw(states, characters, part, mask)
        assert np.array_equal(part[mask], expected[mask]) and (part[~mask] == 7).all()
        gallery.close()
        gallery.close()


def test_painters_of_one_thread_do_not_disturb_each_other(painter):
    other = Painter(48, 48)
    state = standing()
    first = draw(painter, state), draw(other, state)
    for _ in range(3):
        assert np.array_equal(draw(painter, state), first[0])
        assert np.array_equal(draw(other, state), first[1])
    other.close()
    assert np.array_equal(draw(painter, state), first[0])


def test_another_renderer_in_the_same_thread_does_no_harm(painter):
    # Someone else's renderer makes its own GL context current.
    state = standing()
    first = draw(painter, state)
    model = mujoco.MjModel.from_xml_string("<mujoco><worldbody><geom size='1'/></worldbody></mujoco>")
    renderer = mujoco.Renderer(model, 32, 32)
    renderer.update_scene(mujoco.MjData(model))
    plain = renderer.render()
    assert np.array_equal(draw(painter, state), first)
    renderer.update_scene(mujoco.MjData(model))
    assert np.array_equal(renderer.render(), plain)
    renderer.close()
    assert np.array_equal(draw(painter, state), first)


def test_a_painter_draws_in_a_thread_of_its_own(painter):
    frames = []

    def work() -> None:
        own = Painter(*SIZE)
        frames.append(draw(own, standing()))
        own.close()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert np.array_equal(frames[0], draw(painter, standing()))


def test_the_merged_scene_looks_like_the_mjcf():
    height, width = 96, 160
    model = mujoco.MjModel.from_xml_path(str(character_path("rider")))
    data = mujoco.MjData(model)
    renderer = mujoco.Renderer(model, height, width)
    options = mujoco.MjvOption()
    options.geomgroup[:] = (1, 0, 0, 0, 1, 0)
    painter = Painter(height, width)
    distance, rise, shoulder = (
        float(model.numeric(f"camera_{name}").data[0]) for name in ("distance", "height", "shoulder")
    )
    camera = model.camera("observer").id
    for place in PLACES:
        for heading in (0.0, 1.0, -1.5, 3.0):
            state = standing(place, heading)
            data.qpos[:] = state[: model.nq]
            mujoco.mj_forward(model, data)
            axes = camera_rotation(heading, state[STATE.index("camera_tilt")])
            data.cam_xmat[camera] = axes.ravel()
            data.cam_xpos[camera] = state[:3] + [0, 0, rise] + axes[:, 2] * distance + axes[:, 0] * shoulder
            renderer.update_scene(data, camera="observer", scene_option=options)
            for flag in (mujoco.mjtRndFlag.mjRND_SKYBOX, mujoco.mjtRndFlag.mjRND_HAZE, mujoco.mjtRndFlag.mjRND_SHADOW):
                renderer.scene.flags[flag] = False
            expected, frame = renderer.render(), draw(painter, state)
            assert difference(expected, frame) < 2.0, (place, heading)
            assert (np.abs(expected.astype(int) - frame).max(axis=2) > 24).mean() < 0.03, (place, heading)
    painter.close()
    renderer.close()


def test_merging_keeps_every_material_and_hides_what_is_hidden():
    model = drawing_model("rider", samples=0, width=32, height=32)
    plain = load_island().model
    seen = {
        plain.mat(int(plain.geom_matid[geom])).name
        for geom in range(plain.ngeom)
        if plain.geom_group[geom] != HIDDEN_GROUP and plain.geom_bodyid[geom] == 0
    }
    merged = {model.geom(geom).name for geom in range(model.ngeom) if model.geom_bodyid[geom] == 0}
    assert merged == {f"merged_{material}" for material in seen}


def test_frames_for_people_have_smooth_edges():
    fine, fast = Painter(90, 150, fine=True), Painter(90, 150)
    state = standing((0, 13.0, 1.0))
    smooth, plain = draw(fine, state), draw(fast, state)
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > 2 * len(np.unique(plain.reshape(-1, 3), axis=0))
    fine.close()
    fast.close()


def test_the_renderer_is_named(painter):
    assert len(painter.renderer) > 3


def test_a_closed_painter_says_so():
    painter = Painter(*SIZE)
    draw(painter, standing())
    painter.close()
    painter.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed"):
        draw(painter, standing())
