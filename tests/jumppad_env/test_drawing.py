import threading

import gymnasium
import mujoco
import numpy as np
import pytest

from jumppad_env.drawing import CHUNK, Painter
from jumppad_env.island import character_path, load_island
from jumppad_env.rules import CHARACTERS
from jumppad_env.scenery import HIDDEN_GROUP, load_camera, load_island_mesh, load_light
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
    frames = [painter.draw_one(standing(place), "rider") for place in PLACES]
    again = [painter.draw_one(standing(place), "rider") for place in reversed(PLACES)][::-1]
    assert np.array_equal(frames, again)
    other = Painter(*SIZE)
    assert np.array_equal(frames, [other.draw_one(standing(place), "rider") for place in PLACES])


def test_a_change_of_character_shows_no_older_one(painter):
    states = [standing(place) for place in PLACES]
    frames = {name: [painter.draw_one(state, name) for state in states] for name in ("rider", "walker")}
    for index, state in enumerate(states):
        for name in ("rider", "walker"):
            assert np.array_equal(painter.draw_one(state, name), frames[name][index])


def test_frames_are_not_flipped(painter):
    up, down = (painter.draw_one(standing(camera_tilt=tilt), "rider") for tilt in (0.3, -0.6))
    sky = up[:8].astype(float).mean(axis=(0, 1))
    assert sky[2] > sky[0] + 30, "the sky is above, and blue"
    assert difference(up, down) > 20


def test_left_and_right_are_told_apart_by_what_is_seen(painter):
    left, right = (
        painter.draw_one(standing((x, 34.0, 1.0), heading), "rider") for x, heading in ((-6.5, 0.4), (6.5, -0.4))
    )
    assert difference(left, right) > 10
    assert difference(left, right[:, ::-1]) > 3, "nor is one the mirror image of the other"
    ahead = painter.draw_one(standing((0, 13.0, 1.0)), "rider")
    assert difference(ahead, ahead[:, ::-1]) > 3, "the landmarks to the left are others than to the right"


def test_every_character_looks_different(painter):
    frames = [painter.draw_one(standing(), name) for name in CHARACTERS]
    for one in range(len(frames)):
        for other in range(one):
            assert (frames[one] != frames[other]).any(axis=2).sum() > 20


def test_the_character_stands_left_of_the_center():
    painter = Painter(128, 128)
    frames = [painter.draw_one(standing((0, 15.0, 1.0)), name) for name in ("rider", "walker", "bruiser", "mystic")]
    changed = np.any([(frame != frames[0]).any(axis=2) for frame in frames[1:]], axis=0)
    rows, columns = np.nonzero(changed)
    assert 0.36 < np.median(columns) / 128 < 0.48
    assert 0.4 < np.median(rows) / 128 < 0.8


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
        seen = difference(painter.draw_one(base, "rider"), painter.draw_one(state, "rider")) > 0
        assert seen == (name in changes), name


def test_pads_shine_yellow_from_the_neck(painter):
    frame = painter.draw_one(standing((0, 22.0, 1.0)), "rider").astype(int)
    yellow = (frame[..., 0] > 180) & (frame[..., 1] > 130) & (frame[..., 2] < 110)
    columns = np.nonzero(yellow)[1]
    assert len(columns) > 10 and columns.min() < SIZE[1] / 3 and columns.max() > SIZE[1] / 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_batch_is_its_rows_however_many_threads_draw(painter, threads):
    count = 4 * CHUNK + 3
    generator = np.random.default_rng(0)
    states = np.stack([standing((*generator.uniform(-3, 3, 2), 0.0), generator.uniform(-3, 3)) for _ in range(count)])
    characters = [list(CHARACTERS)[row % 3] for row in range(count)]
    expected = np.stack([painter.draw_one(state, name) for state, name in zip(states, characters, strict=True)])
    several = Painter(*SIZE, threads=threads)
    frames = np.zeros((count, *SIZE, 3), np.uint8)
    several.draw(states, characters, frames)
    assert np.array_equal(frames, expected)
    mask = np.arange(count) % 5 == 0
    part = np.full_like(frames, 7)
    several.draw(states, characters, part, mask)
    assert np.array_equal(part[mask], expected[mask]) and (part[~mask] == 7).all()
    several.close()


def test_painters_draw_at_the_same_time_in_threads_of_their_own(painter):
    states = [standing(place, heading) for place in PLACES for heading in (0.0, 2.0)]
    expected = [painter.draw_one(state, "rider") for state in states]
    wrong = []

    def work() -> None:
        own = Painter(*SIZE)
        for _ in range(20):
            wrong.extend(
                index
                for index, state in enumerate(states)
                if not np.array_equal(own.draw_one(state, "rider"), expected[index])
            )

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.fixture(scope="module")
def plain_mujoco():
    """MuJoCo's own renderer of the MJCF: a function of state and character to a frame of SIZE."""
    options = mujoco.MjvOption()
    renderers = {}
    camera = load_camera()

    def draw(state: np.ndarray, character: str) -> np.ndarray:
        if character not in renderers:
            model = mujoco.MjModel.from_xml_path(str(character_path(character)))
            model.vis.map.zfar = 1000  # ours sees infinitely far
            renderers[character] = model, mujoco.MjData(model), mujoco.Renderer(model, *SIZE)
        model, data, renderer = renderers[character]
        data.qpos[:] = state[: model.nq]
        mujoco.mj_forward(model, data)
        yaw, tilt = state[STATE.index("camera_yaw")], state[STATE.index("camera_tilt")]
        right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        back = np.array([np.sin(yaw) * np.cos(tilt), -np.cos(yaw) * np.cos(tilt), -np.sin(tilt)])
        index = model.camera("observer").id
        data.cam_xmat[index] = np.stack([right, np.cross(back, right), back], axis=1).ravel()
        data.cam_xpos[index] = state[:3] + [0, 0, camera.height] + back * camera.distance + right * camera.shoulder
        options.geomgroup[:] = (1, 0, 0, 0, int(state[STATE.index("mounted")]), 0)
        renderer.update_scene(data, camera="observer", scene_option=options)
        for flag in (mujoco.mjtRndFlag.mjRND_HAZE, mujoco.mjtRndFlag.mjRND_SHADOW):
            renderer.scene.flags[flag] = False
        return renderer.render()

    try:
        draw(standing(), "rider")
    except Exception as error:  # each GL backend fails in a way of its own
        pytest.skip(f"no GL library to compare with: {error}")
    yield draw
    for _, _, renderer in renderers.values():
        renderer.close()


@pytest.mark.parametrize("character", list(CHARACTERS))
def test_frames_look_like_those_of_mujocos_own_renderer(painter, plain_mujoco, character):
    generator = np.random.default_rng(0)
    for place in PLACES:
        for heading in (0.0, 1.0, -1.5, 3.0):
            state = standing(
                place,
                heading,
                yaw=heading + generator.normal(),
                arm=generator.uniform(0, 3),
                camera_tilt=generator.uniform(-0.7, 0.4),
                mounted=float(CHARACTERS[character].has_board and generator.random() < 0.5),
            )
            expected, frame = plain_mujoco(state, character), painter.draw_one(state, character)
            # What is left are pixels on edges, which another rule gives to another side.
            assert difference(expected, frame) < 1.5, (place, heading)
            assert (np.abs(expected.astype(int) - frame).max(axis=2) > 24).mean() < 0.02, (place, heading)


def test_all_that_is_not_hidden_is_drawn():
    # Faces are flat, so each material has exact colors. Those that no other material has are looked for in many frames.
    model, mesh, light = ISLAND.model, load_island_mesh(), load_light()
    shades = np.maximum(0, -(mesh.planes[:, :3] @ light.direction))
    colors: dict[str, set[tuple[int, ...]]] = {}
    for geom in range(model.ngeom):
        if model.geom_bodyid[geom] == 0 and model.geom_group[geom] != HIDDEN_GROUP:
            material = int(model.geom_matid[geom])
            rgb, emission = model.mat_rgba[material, :3].astype(float), float(model.mat_emission[material])
            lit = np.minimum(rgb * (light.ambient + light.diffuse * shades[:, None] + emission), 1)
            colors[str(model.mat(material).name)] = {tuple(color) for color in (lit * 255 + 0.5).astype(int).tolist()}
    painter = Painter(256, 256)
    shown: set[tuple[int, ...]] = set()
    for y in (-10.0, 10.0, 30.0, 60.0):
        for z in (2.0, 12.0):
            for heading in np.linspace(-np.pi, np.pi, 8, endpoint=False):
                for tilt in (-0.9, -0.2):
                    frame = painter.draw_one(standing((0.0, y, z), heading, camera_tilt=tilt), "rider")
                    shown |= {tuple(color) for color in np.unique(frame.reshape(-1, 3), axis=0).tolist()}
    assert len(colors) > 20
    for name, own in colors.items():
        others = set().union(*(theirs for other, theirs in colors.items() if other != name))
        assert (own - others) & shown, name


def test_frames_for_people_have_smooth_edges():
    state = standing((0, 13.0, 1.0))
    smooth, plain = (Painter(90, 150, fine=fine).draw_one(state, "rider") for fine in (True, False))
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > 2 * len(np.unique(plain.reshape(-1, 3), axis=0))
    assert difference(smooth, plain) < 6


def test_a_closed_painter_says_so(painter):
    closed = Painter(*SIZE, threads=2)
    closed.draw_one(standing(), "rider")
    closed.close()
    closed.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed"):
        closed.draw_one(standing(), "rider")


def test_what_does_not_fit_is_refused_before_anything_is_written(painter):
    states, names = np.stack([standing()] * 2), ["rider", "walker"]
    frames = np.zeros((3, *SIZE, 3), np.uint8)
    read_only = frames[:2].copy()
    read_only.flags.writeable = False
    for given, out in (
        (states[:1], frames[:2]),
        (states[:, :5], frames[:2]),
        (states, frames[:1]),
        (states, frames[:2, ::-1]),
        (states, frames[:2].astype(np.float32)),
        (states, read_only),
    ):
        with pytest.raises(ValueError, match="must be"):
            painter.draw(given, names, out)
    with pytest.raises(ValueError, match="must be"):
        painter.draw(states, names, frames[:2], np.ones(3, np.bool_))
    assert not frames.any()
    painter.draw(states[:, ::-1][:, ::-1], names, frames[:2])  # any strides of the states
    assert frames[:2].any(axis=(1, 2, 3)).all()


def test_characters_share_the_large_arrays():
    painter = Painter(*SIZE, fine=True, threads=2)
    painter.draw(np.stack([standing()] * len(CHARACTERS)), list(CHARACTERS), np.zeros((5, *SIZE, 3), np.uint8))
    large = {id(scratch.depth) for several in painter._scratch.values() for scratch in several}
    small = {id(scratch.vertices) for several in painter._scratch.values() for scratch in several}
    assert len(large) == 2 and len(small) == 2 * len(CHARACTERS)
