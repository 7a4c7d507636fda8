import threading

import gymnasium
import mujoco
import numpy as np
import pytest

from jumppad_env.drawing import Painter
from jumppad_env.drawing.looks import make_look
from jumppad_env.drawing.painter import FEW
from jumppad_env.drawing.scenery import CLUTTER, HIDDEN_GROUP, load_camera, load_materials, load_scenery
from jumppad_env.drawing.shapes import CYLINDER_SIDES, rotation
from jumppad_env.island import character_path
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import STATE, World
from jumppad_env.world.options import KINDS
from jumppad_env.world.state import CAMERA_TILT, CAMERA_YAW

SIZE = (64, 96)
PLACES = [(0, -2.5, 0), (0, 13, 1), (0, 26, 1), (-8, 36, 1), (8, 36, 1), (-11, 12, -1.5)]


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


def test_changing_the_character_leaves_no_trace_of_the_last_one(painter):
    states = [standing(place) for place in PLACES]
    frames = {name: [painter.draw_one(state, name) for state in states] for name in ("rider", "walker")}
    for index, state in enumerate(states):
        for name in ("rider", "walker"):
            assert np.array_equal(painter.draw_one(state, name), frames[name][index])


def test_frames_are_not_flipped(painter):
    up, down = (painter.draw_one(standing(camera_tilt=tilt), "rider") for tilt in (0.3, -0.6))
    sky = up[:8].astype(float).mean(axis=(0, 1))
    assert sky[2] > sky[0] + 30, "the sky is above, and blue"
    ground = down[:8].astype(float).mean(axis=(0, 1))
    assert ground[2] < ground[0], "looking down shows no sky"
    assert difference(up, down) > 20


def test_left_and_right_look_different(painter):
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


def seen_columns(painter: Painter, base: np.ndarray) -> set[str]:
    """Names of the state's columns that change the frame when changed alone."""
    frame = painter.draw_one(base, "rider")
    seen = set()
    for name in STATE:
        state = base.copy()
        state[STATE.index(name)] += {"mounted": -1.0, "grounded": -1.0, "look": 1.0, "z": 0.5, "stride": 0.4}.get(
            name, 0.7
        )
        if not np.array_equal(painter.draw_one(state, "rider"), frame):
            seen.add(name)
    return seen


SEEN = {
    "x",
    "y",
    "z",
    "yaw",
    "attack_left",
    "vx",
    "vy",
    "yaw_rate",
    "camera_yaw",
    "camera_tilt",
    "grounded",
    "mounted",
    "dodge_left",
}
"""Columns that change the frame of a moving character."""


def test_relevant_columns_change_the_frame(painter):
    riding = standing((0, 15.0, 1.0), vx=1.0, vy=6.0, look=5.0)
    flying = standing((0, 15.0, 3.0), vx=1.0, vy=6.0, vz=2.0, flight_left=1.0, grounded=0.0, look=5.0)
    walking = standing((0, 15.0, 1.0), vx=1.0, vy=3.0, stride=0.3, mounted=0.0, look=5.0)
    assert seen_columns(painter, riding) == SEEN | {"stride", "flight_left"}
    assert seen_columns(painter, flying) >= {"vz", "x", "y", "z", "yaw", "camera_yaw", "camera_tilt"}
    assert seen_columns(painter, walking) == SEEN - {"mounted"} | {"stride", "flight_left"}  # -1 is not mounted either


@pytest.mark.parametrize("kind", KINDS)
def test_the_look_changes_frames_with_any_kind_and_time_with_moving_kinds(kind):
    # Beside a landmark, a team-mate and clutter, at a run.
    painter = Painter(*SIZE, variety=kind)
    base = standing((0.0, -4.5, 0.0), vy=8.0, camera_tilt=0.0)
    looks, times = (
        {
            painter.draw_one(base + change * np.eye(len(STATE))[STATE.index(name)], "rider").tobytes()
            for change in range(6)
        }
        for name in ("look", "steps")
    )
    painter.close()
    assert len(looks) > 3
    assert (len(times) > 1) == (kind in ("team", "hud", "shake"))


def test_look_and_time_change_frames_with_variety_high_only(painter):
    base = standing((0.0, -4.5, 0.0), vy=8.0)
    varied = Painter(*SIZE, variety="high")
    assert {"look", "steps"} <= seen_columns(varied, base)
    assert not {"look", "steps"} & seen_columns(painter, base)
    varied.close()


def test_pads_shine_yellow_from_the_neck(painter):
    frame = painter.draw_one(standing((0, 22.0, 1.0)), "rider").astype(int)
    yellow = (frame[..., 0] > 180) & (frame[..., 1] > 130) & (frame[..., 2] < 110)
    columns = np.nonzero(yellow)[1]
    assert len(columns) > 10 and columns.min() < SIZE[1] / 3 and columns.max() > SIZE[1] / 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_batch_is_its_rows_however_many_threads_draw(painter, threads):
    count = 4 * FEW + 3
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
def empty_painter():
    """Draws the island without characters and their blob shadows."""
    painter = Painter(*SIZE)
    painter.draw_one(standing(), "rider")
    (brush,) = painter._brushes
    brush._meshes = brush._meshes._replace(first_face=np.zeros_like(brush._meshes.first_face))
    brush._heights = np.full_like(brush._heights, -100)
    yield painter
    painter.close()


def flat_model() -> mujoco.MjModel:
    """The MJCF with unshared vertices: else MuJoCo smooths the edges of meshes."""
    spec = mujoco.MjSpec.from_file(str(character_path("rider")))
    model = spec.compile()
    for mesh in spec.meshes:
        index = model.mesh(mesh.name).id
        first, face = model.mesh_vertadr[index], model.mesh_faceadr[index]
        places = model.mesh_vert[first : first + model.mesh_vertnum[index]] @ rotation(model.mesh_quat[index]).T
        triangles = (places + model.mesh_pos[index])[model.mesh_face[face : face + model.mesh_facenum[index]]]
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        mesh.uservert = triangles.ravel()
        mesh.userface = mesh.userfacenormal = np.arange(3 * len(triangles))
        mesh.usernormal = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).repeat(3, axis=0).ravel()
    return spec.compile()


@pytest.fixture(scope="module")
def plain_mujoco():
    """MuJoCo's own renderer without character and clutter: for a state, a frame of SIZE and the mask of the sky."""
    model = flat_model()
    model.vis.map.zfar = 1000  # ours sees infinitely far
    model.vis.quality.numslices = CYLINDER_SIDES
    for geom in range(model.ngeom):
        body = int(model.geom_bodyid[geom])
        if model.body_weldid[body] != 0 or model.body(body).name.startswith(CLUTTER):
            model.geom_group[geom] = HIDDEN_GROUP
    data, camera, options = mujoco.MjData(model), load_camera(), mujoco.MjvOption()
    options.geomgroup[:] = (1, 0, 0, 0, 0, 0)
    mujoco.mj_forward(model, data)
    try:
        renderer = mujoco.Renderer(model, *SIZE)
    except Exception as error:  # each GL backend fails in a way of its own
        pytest.skip(f"no GL library to compare with: {error}")

    def draw(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        yaw, tilt = state[CAMERA_YAW], state[CAMERA_TILT]
        right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
        back = np.array([np.sin(yaw) * np.cos(tilt), -np.cos(yaw) * np.cos(tilt), -np.sin(tilt)])
        index = model.camera("observer").id
        data.cam_xmat[index] = np.stack([right, np.cross(back, right), back], axis=1).ravel()
        data.cam_xpos[index] = state[:3] + [0, 0, camera.height] + back * camera.distance + right * camera.shoulder
        renderer.update_scene(data, camera="observer", scene_option=options)
        for flag in (mujoco.mjtRndFlag.mjRND_HAZE, mujoco.mjtRndFlag.mjRND_SHADOW):
            renderer.scene.flags[flag] = False
        frame = renderer.render().copy()
        renderer.enable_segmentation_rendering()
        sky = renderer.render()[..., 0] < 0
        renderer.disable_segmentation_rendering()
        return frame, sky

    yield draw
    renderer.close()


def test_the_island_looks_as_in_mujocos_own_renderer(empty_painter, plain_mujoco):
    generator, skies, differences = np.random.default_rng(0), 0, []
    no_land = empty_painter.draw_one(standing((0.0, 0.0, 9000.0)), "rider")
    assert (no_land == no_land[:, :1]).all(), "rows of the sky"
    for place in PLACES:
        for heading in (0.0, 1.0, -1.5, 3.0):
            tilt = generator.uniform(-0.7, 0.4)
            state = standing(place, heading, camera_tilt=tilt)
            expected, sky = plain_mujoco(state)
            frame = empty_painter.draw_one(state, "rider")
            # The sky is ours: what shows it are the pixels that a frame of nothing but sky has too.
            state[2] = 9000.0
            own_sky = (frame == empty_painter.draw_one(state, "rider")).all(axis=2)
            assert (own_sky != sky).mean() < 0.01, (place, heading)
            land = ~sky & ~own_sky
            skies += sky.sum()
            # What is left are pixels on edges, which another rule gives to another side, and the sides of low discs.
            differences.append(difference(expected[land], frame[land]))
            assert (np.abs(expected.astype(int) - frame).max(axis=2) > 24)[land].mean() < 0.02, (place, heading)
    assert max(differences) < 1.8 and np.mean(differences) < 0.45
    assert skies > 24 * 300


def test_characters_hide_the_island_and_change_no_other_pixel(painter, empty_painter):
    # Around the character the island is unchanged; its blob shadow is within 0.6 m of its feet.
    camera = load_camera()
    for place in PLACES:
        state = standing(place, 0.3, camera_tilt=0.0, mounted=0.0)
        for name in CHARACTERS:
            changed = (painter.draw_one(state, name) != empty_painter.draw_one(state, name)).any(axis=2)
            rows, columns = np.nonzero(changed)
            assert 40 < changed.sum()
            # At least camera.distance - 1.2 m ahead; the character's middle is half a meter left of the center.
            nearest = camera.distance - 1.2
            span = np.array([-camera.shoulder - 1.2, -camera.shoulder + 1.2]) / nearest / camera.half_width
            assert (columns >= (span[0] + 1) / 2 * SIZE[1] - 1).all() and (
                columns <= (span[1] + 1) / 2 * SIZE[1] + 1
            ).all()


def test_everything_not_hidden_is_drawn(empty_painter):
    # Faces are flat, so each material has exact colors. Those that no other material has are looked for in many frames.
    scenery, look = load_scenery(detail=False), make_look((), 0, detail=False)
    names = [material.name for material in load_materials()]
    lit = np.floor(np.minimum(look.shades[:, :3] + look.shades[:, 3:], 1) * 255 + 0.5).astype(int)
    seen = np.concatenate([np.ones(len(scenery.island.planes), bool), look.planes.any(axis=1)])
    colors: dict[str, set[tuple[int, ...]]] = {}
    for face in np.flatnonzero(seen):
        colors.setdefault(names[scenery.materials[face]], set()).add(tuple(lit[face].tolist()))
    shown: set[tuple[int, ...]] = set()
    for x, y in ((0.0, -10.0), (0.0, 10.0), (0.0, 30.0), (0.0, 60.0), (-25.0, 62.0), (25.0, 62.0)):
        for z in (2.0, 12.0):
            for heading in np.linspace(-np.pi, np.pi, 8, endpoint=False):
                for tilt in (-0.9, -0.2):
                    frame = empty_painter.draw_one(standing((x, y, z), heading, camera_tilt=tilt), "rider")
                    shown |= {tuple(color) for color in np.unique(frame.reshape(-1, 3), axis=0).tolist()}
    of_group = {names[scenery.materials[face]] for face in np.flatnonzero(seen)}
    assert set(colors) == of_group and len(colors) > 20
    for name, own in colors.items():
        others = set().union(*(theirs for other, theirs in colors.items() if other != name))
        assert (own - others) & shown, name


def test_a_closed_painter_raises(painter):
    closed = Painter(*SIZE, threads=2)
    closed.draw_one(standing(), "rider")
    closed.close()
    closed.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed"):
        closed.draw_one(standing(), "rider")


def test_mismatched_shapes_are_rejected_before_anything_is_written(painter):
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


def test_characters_and_looks_share_the_large_arrays():
    painter = Painter(*SIZE, threads=2, variety="high")
    count = 3 * FEW
    states = np.stack([standing(look=float(row)) for row in range(count)])
    names = [list(CHARACTERS)[row % len(CHARACTERS)] for row in range(count)]
    painter.draw(states, names, np.zeros((count, *SIZE, 3), np.uint8))
    assert len(painter._brushes) == 2, "one per thread"
    painter.close()


def test_more_looks_than_slots_are_drawn_correctly(painter):
    # Those unused for long are forgotten and made again.
    varied = Painter(24, 36, variety=("colors", "light"))
    states = [standing(look=float(look)) for look in range(14)]
    first = [varied.draw_one(state, "rider") for state in states]
    assert len({frame.tobytes() for frame in first}) == 14
    again = [varied.draw_one(state, "rider") for state in reversed(states)][::-1]
    assert np.array_equal(first, again)
    batch = np.zeros((14, 24, 36, 3), np.uint8)
    varied.draw(np.stack(states), ["rider"] * 14, batch)
    assert np.array_equal(batch, first)
    assert len(varied._wardrobe.shades) <= 4 * 14 + 16, "and there is an end to the room they take"
    varied.close()


def test_an_unknown_variety_is_rejected_with_the_choices():
    with pytest.raises(ValueError, match="'colours'.*'colors'"):
        Painter(*SIZE, variety="colours")
