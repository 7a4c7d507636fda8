"""Meshes and poses of characters: joints as in MuJoCo, and properties of the poses."""

from typing import NamedTuple

import mujoco
import numpy as np
import pytest

from jumppad_env.drawing import characters
from jumppad_env.drawing.characters import (  # fmt: skip
    ARM,
    ARM_LEFT,
    ARM_SWING,
    BOARD,
    BODIES,
    FOOT_LEFT,
    FOOT_RIGHT,
    HEAD,
    HIPS,
    LEG_LEFT,
    LEG_RIGHT,
    MIDDLE,
    RADIUS,
    ROOT,
    SHIN_LEFT,
    SHIN_RIGHT,
    TORSO,
    TRAIL,
    load_character_meshes,
)
from jumppad_env.drawing.frames import place_mate
from jumppad_env.drawing.looks import TEAM, WHO, make_look
from jumppad_env.drawing.scenery import load_light, load_model
from jumppad_env.island import character_path
from jumppad_env.rules import CHARACTERS
from jumppad_env.world import STATE
from jumppad_env.world.options import KINDS
from jumppad_env.world.state import FLIGHT_LEFT, GROUNDED, LEVEL_STATE, MOUNTED, STRIDE

NAMES = list(CHARACTERS)
RIDERS = [name for name in CHARACTERS if CHARACTERS[name].has_board]
LEGS = ((LEG_LEFT, SHIN_LEFT), (LEG_RIGHT, SHIN_RIGHT))


class Pose(NamedTuple):
    angles: np.ndarray
    origins: np.ndarray
    axes: np.ndarray
    vertices: np.ndarray
    """(V, 3) m, in the world."""
    bodies: np.ndarray
    """(V,), which each vertex belongs to."""

    def of(self, body: int) -> np.ndarray:
        return self.vertices[self.bodies == body]

    def in_frame_of(self, body: int, places: np.ndarray) -> np.ndarray:
        return (places - self.origins[body]) @ self.axes[body]


@pytest.fixture(scope="module")
def pose(from_python):
    """Poses a character with the code that draws it."""
    stand = from_python(characters.stand)

    def pose(character: str, state: np.ndarray) -> Pose:
        shapes, who = load_character_meshes(), NAMES.index(character)
        angles, origins, axes = (
            np.full(shape, np.nan) for shape in ((len(BODIES), 3), (len(BODIES), 3), (len(BODIES), 3, 3))
        )
        stand(shapes, who, state, angles, origins, axes)
        own = slice(int(shapes.first_vertex[who]), int(shapes.first_vertex[who + 1]))
        bodies = shapes.vertex_bodies[own]
        vertices = origins[bodies] + np.einsum("vij,vj->vi", axes[bodies], shapes.vertices[own])
        return Pose(angles, origins, axes, vertices, bodies)

    return pose


@pytest.fixture(scope="module")
def bend(from_python):
    """Returns angles (len(BODIES), 3) rad, sink and lift, m, of a state."""
    part = from_python(characters.bend)

    def bend(state: np.ndarray) -> tuple[np.ndarray, float, float]:
        angles = np.full((len(BODIES), 3), np.nan)
        return angles, *part(state, angles)

    return bend


def make_state(**columns: float) -> np.ndarray:
    state = np.zeros(len(STATE))
    state[GROUNDED] = 1
    for name, value in columns.items():
        state[STATE.index(name)] = value
    return state


def random_state(generator: np.random.Generator, *, attack: bool = True) -> np.ndarray:
    speed, course = generator.uniform(0, 18), generator.uniform(-np.pi, np.pi)
    return make_state(
        **dict(zip("xyz", 9 * generator.normal(size=3), strict=True)),
        yaw=generator.uniform(-7, 7),
        attack_left=generator.uniform(0, 0.5) * attack,
        vx=speed * np.cos(course),
        vy=speed * np.sin(course),
        vz=generator.uniform(-20, 20),
        yaw_rate=generator.uniform(-12, 12),
        grounded=float(generator.integers(2)),
        mounted=float(generator.integers(2)),
        dodge_left=generator.choice([0, 0.1]),
        flight_left=generator.choice([0, 1.0]),
        stride=generator.uniform(0, 300),
    )


def skeleton(character: str) -> mujoco.MjModel:
    """The MJCF's bodies, each on hinges about its z, x and y axis, in that order; the first one slides too."""
    model, spec = load_model(character), mujoco.MjSpec()
    root = model.body("character").id
    made = {0: spec.worldbody}
    for index in range(root, root + len(BODIES)):
        body = made[int(model.body_parentid[index])].add_body(name=model.body(index).name, pos=model.body_pos[index])
        body.mass, body.inertia = 1.0, [1.0, 1.0, 1.0]
        body.explicitinertial = True
        made[index] = body
        for axis in np.eye(3) if index == root else ():
            body.add_joint(type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis)
        for axis in np.eye(3)[[2, 0, 1]]:
            body.add_joint(type=mujoco.mjtJoint.mjJNT_HINGE, axis=axis)
    return spec.compile()


@pytest.mark.parametrize("character", NAMES)
def test_bodies_are_where_mujoco_puts_them(pose, bend, character):
    model, whole = skeleton(character), load_model(character)
    data, whole_data = mujoco.MjData(model), mujoco.MjData(whole)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_kinematics(whole, whole_data)
    root, hips, board = (whole.body(name).id for name in ("character", "hips", "board"))
    assert np.allclose(data.xpos[1:], whole_data.xpos[root : root + len(BODIES)]), "all angles zero: the MJCF itself"
    generator, places = np.random.default_rng(2), whole.body_pos[root : root + len(BODIES)].copy()
    for _ in range(30):
        state = random_state(generator)
        angles, sink, lift = bend(state)
        shorter = load_character_meshes().offsets[NAMES.index(character), SHIN_LEFT, 2] / characters.THIGH  # downwards
        assert (angles[1:] != 0).any()
        model.body_pos[1:] = places
        model.body_pos[1 + hips - root, 2] += lift + sink * shorter
        model.body_pos[1 + board - root, 2] += lift - 0.16  # what the MJCF has it hover
        data.qpos[:3] = state[:3]
        data.qpos[3:] = angles[:, [2, 0, 1]].ravel()
        mujoco.mj_kinematics(model, data)
        posed = pose(character, state)
        assert np.allclose(posed.origins, data.xpos[1:], atol=1e-12)
        assert np.allclose(posed.axes.reshape(-1, 9), data.xmat[1:], atol=1e-12)


def test_a_character_at_rest_is_posed_nearly_as_in_the_mjcf(pose):
    for character in NAMES:
        angles, origins, *_ = pose(character, make_state())
        assert np.abs(angles[[ROOT, BOARD, TRAIL, HIPS, LEG_LEFT, LEG_RIGHT, TORSO, HEAD]]).max() == 0
        assert np.abs(angles).max() < 0.16
        model = load_model(character)
        root, data = model.body("character").id, mujoco.MjData(model)
        mujoco.mj_kinematics(model, data)
        bodies = [body for body in range(len(BODIES)) if body != BOARD]
        assert np.abs(origins - data.xpos[root : root + len(BODIES)])[bodies].max() < 0.055


@pytest.mark.parametrize("character", NAMES)
def test_legs_keep_their_length_and_joints_their_place_in_any_pose(pose, character):
    shapes, generator = load_character_meshes(), np.random.default_rng(3)
    offsets = shapes.offsets[NAMES.index(character)]
    free = [body for body in range(1, len(BODIES)) if body not in (HIPS, BOARD)]
    for _ in range(100):
        posed = pose(character, random_state(generator))
        lengths = np.linalg.norm(posed.origins - posed.origins[shapes.parents], axis=1)
        assert np.allclose(lengths[free], np.linalg.norm(offsets[free], axis=1))
        # From hip to ankle, by the law of cosines: only the knee bends it.
        for leg, shin in LEGS:
            thigh, calf = np.linalg.norm(offsets[shin]), 0.4
            ankle = posed.origins[shin] - calf * posed.axes[shin, :, 2]
            knee = np.arccos(np.clip(posed.axes[leg, :, 2] @ posed.axes[shin, :, 2], -1, 1))
            expected = thigh**2 + calf**2 + 2 * thigh * calf * np.cos(knee)
            assert np.sum((ankle - posed.origins[leg]) ** 2) == pytest.approx(expected)
            assert posed.angles[shin, 0] <= 0, "knees bend one way"


def test_the_same_state_is_the_same_pose_whatever_was_posed_before(pose, bend):
    generator = np.random.default_rng(4)
    states = [random_state(generator) for _ in range(20)]
    first = [pose("rider", state) for state in states]
    for state, posed in zip(reversed(states), reversed(first), strict=True):
        pose("scout", states[0])
        assert all(np.array_equal(one, other) for one, other in zip(pose("rider", state), posed, strict=True))


def test_legs_cycle_with_the_distance_walked(bend):
    # Two steps make a gait of 1.7 m; after one of them left and right have changed places.
    generator = np.random.default_rng(5)
    left, right = [LEG_LEFT, SHIN_LEFT], [LEG_RIGHT, SHIN_RIGHT]
    for _ in range(50):
        state = make_state(vx=generator.uniform(-6, 6), vy=generator.uniform(1, 6), yaw=generator.uniform(-3, 3))
        stride = state[STRIDE] = generator.uniform(0, 50)
        angles = bend(state)[0]
        state[STRIDE] = stride + 1.7
        assert np.allclose(bend(state)[0], angles)
        state[STRIDE] = stride + 0.85
        step = bend(state)[0]
        assert np.allclose(step[left], angles[right]) and np.allclose(step[right], angles[left])
        assert step[ARM, 0] == pytest.approx(-angles[ARM, 0])
        assert angles[LEG_LEFT, 0] * angles[ARM_LEFT, 0] <= 0, "arms swing against the legs"


def test_on_the_board_only_the_board_goes_up_and_down_with_the_way(bend):
    heights, poses = [], []
    for stride in np.linspace(0, 3.4, 21):
        angles, sink, lift = bend(make_state(mounted=1, vy=8, stride=stride))
        heights.append(lift)
        poses.append(np.append(angles.ravel(), sink))
    assert np.allclose(poses, poses[0])
    assert np.ptp(heights) > 0.03 and heights[0] == pytest.approx(heights[-1]) == pytest.approx(0.16)


@pytest.mark.parametrize("character", NAMES)
def test_walkers_have_a_foot_on_the_ground(pose, character):
    for speed in (0.0, 2.0, 6.0, 9.0):
        for stride in np.linspace(0, 1.7, 35):
            posed = pose(character, make_state(vy=speed, stride=stride))
            lowest = min(posed.of(FOOT_LEFT)[:, 2].min(), posed.of(FOOT_RIGHT)[:, 2].min())
            assert -0.08 < lowest < 0.03, (speed, stride)


def soles(posed: Pose) -> list[np.ndarray]:
    """The soles (n, 3) of both shoes, in the board's frame, m."""
    below = []
    for foot in (FOOT_LEFT, FOOT_RIGHT):
        own = posed.in_frame_of(foot, posed.of(foot))
        below.append(posed.in_frame_of(BOARD, posed.of(foot)[own[:, 2] < own[:, 2].min() + 1e-6]))
    return below


@pytest.mark.parametrize("character", RIDERS)
def test_riders_stand_over_their_board_one_foot_in_front_of_the_other(pose, character):
    for speed in (0.0, 5.0, 9.0):
        posed = pose(character, make_state(mounted=1, vy=speed, yaw=2.0))
        deck = posed.in_frame_of(BOARD, posed.of(BOARD))
        front, back = (sole.mean(axis=0) for sole in soles(posed))
        assert front[1] > 0.2 and back[1] < -0.2, "they stand sideways"
        for foot in (front, back):
            assert (np.abs(foot[:2]) < np.abs(deck[:, :2]).max(axis=0)).all()
            assert -0.11 < foot[2] < 0.1, "between the lower side of the board and what it is turned up to at its ends"


@pytest.mark.parametrize("character", RIDERS)
def test_no_shoe_sticks_out_below_the_board(pose, character):
    for speed in (0.0, 5.0, 9.0):
        posed = pose(character, make_state(mounted=1, vy=speed))
        assert min(sole[:, 2].min() for sole in soles(posed)) > -0.1


def distance_from_middle(posed: Pose, state: np.ndarray) -> float:
    """Largest distance (m) of visible vertices, trail excluded, from the character's middle."""
    kept = (posed.bodies != TRAIL) & ((posed.bodies != BOARD) | (state[MOUNTED] > 0))
    return float(np.linalg.norm(posed.vertices[kept] - state[:3] - [0, 0, MIDDLE], axis=1).max())


def test_an_attack_raises_the_right_arm_and_lowers_it_again(pose):
    raised = [pose("rider", make_state(attack_left=left))[0][ARM, 0] for left in np.linspace(0.5, 0.0, 11)]
    assert np.argmax(raised) == 5 and raised[5] == pytest.approx(raised[0] + ARM_SWING)
    assert np.allclose(raised, raised[::-1]) and (np.diff(raised[:6]) > 0).all()


@pytest.mark.parametrize("character", NAMES)
def test_no_pose_without_attack_leaves_the_bounding_sphere(pose, character):
    generator = np.random.default_rng(6)
    for _ in range(1500):
        state = random_state(generator, attack=False)
        assert distance_from_middle(pose(character, state), state) < RADIUS


@pytest.mark.parametrize("character", NAMES)
def test_no_pose_with_attack_leaves_the_bounding_sphere(pose, character):
    generator = np.random.default_rng(7)
    for _ in range(1500):
        state = random_state(generator)
        assert distance_from_middle(pose(character, state), state) < RADIUS


def test_team_mates_stay_in_the_sphere_that_decides_whether_they_are_drawn(pose, from_python):
    place, state = from_python(place_mate), np.empty(len(STATE))
    for seed in range(40):
        numbers = make_look(KINDS, seed, detail=False).numbers
        for mate in range(TEAM):
            character = NAMES[int(numbers[WHO][1 + mate])]
            for steps in (0.0, 1.0, 7.0, 100.0, 333.0):
                place(numbers, mate, steps, state)
                assert distance_from_middle(pose(character, state), state) < RADIUS


def dressed(from_python, character: str, state: np.ndarray, tints=(1.0, 1.0, 1.0)):
    """Vertices, planes and colors of a character from `dress`, and the range of its faces."""
    shapes, who, light = load_character_meshes(), NAMES.index(character), np.array(load_light())
    faces = range(int(shapes.first_face[who]), int(shapes.first_face[who + 1]))
    vertices = np.full((int(shapes.first_vertex[who + 1] - shapes.first_vertex[who]), 3), np.nan)
    planes, colors = np.full((len(faces), 4), np.nan), np.full((len(faces), 6), np.nan)
    scratch = tuple(np.empty(shape) for shape in ((len(BODIES), 3), (len(BODIES), 3), (len(BODIES), 3, 3)))
    from_python(characters.dress)(shapes, who, state, np.array(tints), light, scratch, (vertices, planes, colors))
    return vertices, planes, colors, faces


@pytest.mark.parametrize("character", NAMES)
def test_light_by_its_formula(from_python, pose, character):
    shapes, light = load_character_meshes(), load_light()
    generator, tints = np.random.default_rng(8), np.array([0.7, 1.1, 0.9])
    for _ in range(5):
        state = random_state(generator)
        state[[MOUNTED, FLIGHT_LEFT]] = 1
        vertices, planes, colors, faces = dressed(from_python, character, state, tints)
        posed = pose(character, state)
        assert np.allclose(vertices, posed.vertices)
        own = slice(faces.start, faces.stop)
        normals = np.einsum("fij,fj->fi", posed.axes[shapes.face_bodies[own]], shapes.normals[own])
        sun = np.maximum(0, -(normals @ light.direction))[:, None] * light.diffuse
        base = shapes.colors[own] * tints
        assert np.allclose(colors[:, :3], base * (light.ambient + shapes.emissions[own, None]))
        assert np.allclose(colors[:, 3:], base * sun)
        assert (sun > 0).any() and (sun == 0).any()


@pytest.mark.parametrize("character", NAMES)
def test_faces_lie_in_their_planes_and_look_outward(from_python, character):
    shapes = load_character_meshes()
    state = random_state(np.random.default_rng(9))
    state[[MOUNTED, FLIGHT_LEFT]] = 1
    vertices, planes, _, faces = dressed(from_python, character, state)
    first = int(shapes.first_vertex[NAMES.index(character)])
    bodies = shapes.vertex_bodies[first : first + len(vertices)]
    for face, plane in zip(faces, planes, strict=True):
        corners = shapes.corners[shapes.faces[face] : shapes.faces[face + 1]]
        assert set(bodies[corners].tolist()) == {int(shapes.face_bodies[face])}, "no corner belongs to two bodies"
        assert np.linalg.norm(plane[:3]) == pytest.approx(1)
        assert np.allclose(vertices[corners] @ plane[:3], plane[3], atol=1e-4)
        around = np.cross(vertices[corners], np.roll(vertices[corners], -1, axis=0)).sum(axis=0)
        assert around @ plane[:3] > 0, "counter-clockwise from outside"


@pytest.mark.parametrize(("mounted", "flying"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_board_and_trail_are_visible_when_used(from_python, mounted, flying):
    shapes = load_character_meshes()
    _, planes, _, faces = dressed(from_python, "rider", make_state(mounted=mounted, flight_left=flying))
    shown = {BODIES[shapes.face_bodies[face]] for face, plane in zip(faces, planes, strict=True) if plane.any()}
    hidden = {BODIES[shapes.face_bodies[face]] for face, plane in zip(faces, planes, strict=True) if not plane.any()}
    assert not shown & hidden and ("board" in shown) == bool(mounted) and ("trail" in shown) == bool(flying)
    assert {"hips", "torso", "head", "arm", "shin_left"} <= shown


@pytest.mark.parametrize("vz", [-5.0, 5.0])
def test_on_levels_the_trail_ends_at_the_top_of_a_flight(from_python, vz):
    shapes, state = load_character_meshes(), make_state(flight_left=1, vz=vz)
    for on_levels in (False, True):
        state = np.concatenate([state, np.zeros(len(LEVEL_STATE) * on_levels)])
        _, planes, _, faces = dressed(from_python, "rider", state)
        trail = [plane.any() for face, plane in zip(faces, planes, strict=True) if shapes.face_bodies[face] == TRAIL]
        assert trail and all(trail) == any(trail) == (vz > 0 or not on_levels)


@pytest.mark.parametrize("change", ["turned", "renamed"])
def test_another_skeleton_is_rejected(monkeypatch, change):
    spec = mujoco.MjSpec.from_file(str(character_path("scout")))
    if change == "turned":
        spec.body("head").quat = [np.cos(0.1), 0, 0, np.sin(0.1)]
    else:
        spec.body("head").name = "skull"
    changed, real = spec.compile(), load_model
    monkeypatch.setattr(characters, "load_model", lambda name: changed if name == "scout" else real(name))
    with pytest.raises(ValueError, match="'scout'.*(rotated|must have the bodies)"):
        load_character_meshes.__wrapped__()
