"""Pictures of levels: a state is always the same bytes; colors can be read; blocks move; looks are kept apart."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jumppad_env.drawing import Painter, rasterizer
from jumppad_env.drawing.levels.pieces import PAINTS
from jumppad_env.drawing.painter import FEW
from jumppad_env.drawing.scenery import load_camera
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.levels.drawn import Pose
from jumppad_env.levels.level import B_GEOM, B_PHASE, B_RATE
from jumppad_env.world import STATE, World
from jumppad_env.world.state import CAMERA_TILT, LOOK, STEPS

ROOT = Path(__file__).parents[4]
SIZE = (48, 64)
SOME = [LevelSettings(), LevelSettings("hard", 4, cue=True), LevelSettings("hard", 2, islands=3)]
each = pytest.mark.parametrize("settings", SOME, ids=lambda one: f"{one.distribution_mode}-{one.pads}-{one.islands}")


def standing(settings: LevelSettings, number: int, pose: Pose | None = None, cue: int = -1) -> np.ndarray:
    """A state on a level: at a spawn point, or at a pose of the first island."""
    world = World(1, 1, settings)
    world.load(0, number)
    pose = make_level(number, settings).plans[0].spawns[0] if pose is None else pose
    world.place(0, "rider", np.array(pose[:3]), pose.heading, cue=cue)
    return world.get_state(0)


def some_states(settings: LevelSettings) -> np.ndarray:
    """States on several levels, on the plaza, in the neck and before a pad."""
    states = []
    for number in range(6):
        plan = make_level(number, settings).plans[0]
        for pose in (plan.spawns[number % 4], plan.neck, plan.pads[number % settings.pads].ahead(-4.0)):
            states.append(standing(settings, number, pose, number % settings.pads if settings.cue else -1))
            states[-1][STEPS] = number
    return np.array(states)


def draw(painter: Painter, states: np.ndarray) -> np.ndarray:
    frames = np.empty((len(states), painter.height, painter.width, 3), np.uint8)
    painter.draw(states, ["rider"] * len(states), frames)
    return frames


def digest() -> str:
    """Of frames of all settings, fast and fine, plain and varied."""
    found = hashlib.sha256()
    for settings in SOME:
        for fine, variety in ((False, "none"), (True, "none"), (False, "high")):
            painter = Painter(*SIZE, settings=settings, fine=fine, variety=variety)
            found.update(draw(painter, some_states(settings)).tobytes())
    return found.hexdigest()


@each
@pytest.mark.parametrize("variety", ["none", "high"])
@pytest.mark.parametrize("fine", [False, True], ids=["fast", "fine"])
def test_a_state_is_the_same_bytes_alone_in_a_batch_and_with_any_threads(settings, variety, fine):
    states = some_states(settings)
    states[:, LOOK] = np.arange(len(states)) // 4
    assert len(states) > FEW
    one = Painter(*SIZE, settings=settings, variety=variety, fine=fine)
    frames = np.array([one.draw_one(state, "rider") for state in states])
    assert len(np.unique(frames.reshape(len(states), -1), axis=0)) == len(states)
    for threads in (1, 3):
        painter = Painter(*SIZE, settings=settings, variety=variety, fine=fine, threads=threads)
        order = np.random.default_rng(threads).permutation(len(states))
        assert np.array_equal(draw(painter, states[order]), frames[order])
        painter.close()


@pytest.mark.slow
def test_frames_are_the_same_bytes_in_another_process():
    code = (
        "import importlib.util as util, sys\n"
        "spec = util.spec_from_file_location('painted', sys.argv[1])\n"
        "module = util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.digest())"
    )
    other = subprocess.run([sys.executable, "-c", code, __file__], cwd=ROOT, capture_output=True, text=True)
    assert other.returncode == 0, other.stderr
    assert other.stdout.strip() == digest()


@pytest.mark.parametrize("mode", ["easy", "hard"])
@pytest.mark.parametrize("pads", [3, 5])
def test_the_colors_of_pads_can_be_read_from_their_banners(mode, pads, from_python):
    settings = LevelSettings(mode, pads)
    height, width = 120, 160
    painter, eye = Painter(height, width, fine=True, settings=settings), np.empty((4, 3))
    chroma = np.array(PAINTS) - np.mean(PAINTS, axis=1, keepdims=True)
    chroma /= np.linalg.norm(chroma, axis=1, keepdims=True)
    right = []
    for number in range(5):
        level = make_level(number, settings)
        for pad, color in zip(level.plans[0].pads, level.colors[0], strict=True):
            state = standing(settings, number, pad.ahead(-3.5))
            state[CAMERA_TILT] = 0.2
            frame = painter.draw_one(state, "rider").astype(float)
            from_python(rasterizer.aim)(np.array(load_camera()), state[:3], pad.heading, 0.2, height, width, eye)
            banner = pad.ahead(2.3, 0.6)
            away = np.array([banner.x, banner.y, pad.z + 3.9]) - eye[0]
            x, y = width / 2 + eye[1] @ away / (eye[3] @ away), height / 2 - eye[2] @ away / (eye[3] @ away)
            assert 3 < x < width - 3 and 3 < y < height - 3
            mean = frame[int(y) - 2 : int(y) + 3, int(x) - 2 : int(x) + 3].mean(axis=(0, 1))
            right.append(int(np.argmax(chroma @ (mean - mean.mean()))) == color)
    assert np.mean(right) > 0.95


def test_moving_blocks_move_from_step_to_step_and_nothing_else_does():
    settings, easy = LevelSettings("hard"), LevelSettings()
    moving = [n for n in range(40) if make_level(n, settings).blocks[0, B_GEOM] >= 0][:4]
    painter, still = Painter(*SIZE, settings=settings), Painter(*SIZE, settings=easy)
    for number in moving:
        states = np.tile(standing(settings, number, make_level(number, settings).plans[0].neck), (3, 1))
        block = make_level(number, settings).blocks[0]
        turn = 2 * np.pi / block[B_RATE]
        aside = (np.pi / 2 - block[B_PHASE]) % (2 * np.pi) / block[B_RATE]
        states[:, STEPS] = aside, aside + turn / 2, aside + 1000 * turn
        first, other, whole = draw(painter, states)
        assert (first != other).any(axis=-1).sum() > 10
        assert (first != whole).any(axis=-1).sum() < 10, "it is back where it was"
        states = np.tile(standing(easy, number), (2, 1))
        states[1, STEPS] = 7.0
        assert np.array_equal(*draw(still, states))


def test_the_flag_shows_its_color():
    settings = LevelSettings(cue=True)
    level = make_level(2, settings)
    painter = Painter(*SIZE, settings=settings)
    frames = draw(painter, np.array([standing(settings, 2, level.plans[0].spawns[1], cue) for cue in range(3)]))
    assert all((one != other).any() for one, other in zip(frames, frames[[1, 2, 0]], strict=True))
    changed = (frames[0] != frames[1]).any(axis=-1)
    assert 4 < changed.sum() < changed.size / 10, "only the flag differs"


@pytest.mark.parametrize("variety", ["none", "high"])
def test_looks_of_levels_are_kept_apart_and_bounded(variety):
    settings = LevelSettings("hard")
    painter = Painter(*SIZE, settings=settings, variety=variety)
    states = np.array([standing(settings, number) for number in range(60)])
    fresh = [Painter(*SIZE, settings=settings, variety=variety).draw_one(state, "rider") for state in states]
    generator, most = np.random.default_rng(0), 0
    for _ in range(30):
        rows = generator.integers(60, size=5)
        assert np.array_equal(draw(painter, states[rows]), [fresh[row] for row in rows])
        wardrobe = painter._wardrobe
        most = max(most, len(wardrobe.shades))
        slots = len(wardrobe.shades)
        assert sum(array.nbytes for array in (*wardrobe.looks, *wardrobe.shades)) / slots < 200_000
    assert 5 < most <= 4 * (5 + 4)


def test_without_variety_the_number_of_the_look_does_not_matter():
    settings = LevelSettings()
    painter, states = Painter(*SIZE, settings=settings), np.tile(standing(settings, 4), (3, 1))
    states[:, LOOK] = 1, 2, 3
    frames = draw(painter, states)
    assert np.array_equal(frames[0], frames[1]) and np.array_equal(frames[0], frames[2])
    assert len(painter._wardrobe._slots) == 1


def test_states_must_have_the_columns_of_levels():
    painter = Painter(*SIZE, settings=LevelSettings())
    with pytest.raises(ValueError, match=rf"states must be \(2, {len(STATE) + 4} or more\)"):
        draw(painter, np.zeros((2, len(STATE))))
