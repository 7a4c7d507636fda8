"""Variety in frames, in single and vector environments, and in redrawn states."""

import functools
import json
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

from jumppad_env import gamepad
from jumppad_env.drawing import Painter
from jumppad_env.drawing.hud import DIGITS
from jumppad_env.drawing.looks import make_look
from jumppad_env.rules import CHARACTERS
from jumppad_env.vector_env import JumppadVectorEnv
from jumppad_env.world import STATE, World
from jumppad_env.world.options import KINDS, VARIETIES
from jumppad_env.world.state import LOOK, LOOKS, STEPS, X, Y

SIZE = (32, 48)
NUMBERS = 12
"""Looks that are tried where a few are enough."""


@functools.cache
def painter(variety: Any, fine: bool = False) -> Painter:
    return Painter(*SIZE, variety=variety, fine=fine)


def standing(position=(0.0, -2.5, 0.0), heading: float = 0.0, **columns: float) -> np.ndarray:
    world = World(1)
    world.place(0, "rider", np.array(position), heading)
    state = world.get_state(0)
    for name, value in columns.items():
        state[STATE.index(name)] = value
    return state


def frames(variety: Any, state: np.ndarray, numbers=range(NUMBERS), fine: bool = False) -> np.ndarray:
    """One state in several looks, (n, *SIZE, 3)."""
    states = np.tile(state, (len(numbers), 1))
    states[:, LOOK] = list(numbers)
    out = np.empty((len(numbers), *SIZE, 3), np.uint8)
    painter(variety, fine).draw(states, ["rider"] * len(numbers), out)
    return out


def differ(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where the pixels of frames (n, H, W, 3) differ, (n, H, W)."""
    return (one != other).any(axis=-1)


VIEWS = (
    standing(vx=0.0, vy=9.0, steps=5.0),
    standing((0.0, 0.0, 0.0), 1.6),
    standing((0.0, 0.0, 0.0), -1.6),
    standing((0.0, 24.0, 1.0), camera_tilt=0.2),
)


@pytest.mark.parametrize("fine", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone_is_seen(kind, fine):
    numbers = range(3 if fine else NUMBERS)
    changes = np.array(
        [differ(frames("none", view, numbers, fine), frames(kind, view, numbers, fine)) for view in VIEWS]
    )
    assert changes.any(axis=(0, 2, 3)).all()


def test_the_panels_touch_only_their_places():
    for fine in (False, True):
        for position in ((0.0, -2.5, 0.0), (-8.0, 36.0, 1.0)):
            state = standing(position, steps=33.0)
            numbers = range(4)
            changes = differ(frames("none", state, numbers, fine), frames("hud", state, numbers, fine))
            for number, change in zip(numbers, changes, strict=True):
                places = panels(number, state)
                assert not (change & ~places).any()
                assert change[places].mean() > 0.9


def panels(number: int, state: np.ndarray) -> np.ndarray:
    """Where the HUD of a look is, bool (*SIZE,)."""
    hud = make_look(("hud",), number, detail=False).hud
    height, width = SIZE
    places = np.zeros(SIZE, np.bool_)
    for index, (left, top, right, bottom, *_) in enumerate(hud.boxes):
        if index == len(hud.boxes) - 1:
            x = min(max(0.81 + 0.0016 * (state[Y] + 2.5), 0.795), 0.965)
            y = min(max(0.39 + 0.0045 * state[X], 0.315), 0.455)
            left, right, top, bottom = left + x, right + x, top + y, bottom + y
        rows, columns = (
            slice(round(one), round(end)) for one, end in (sides(top, bottom, height), sides(left, right, width))
        )
        places[rows, columns] = True
    steps = int(state[STEPS])
    values = [max(hud.numbers[0, 0] - 0.1 * steps, 0), 0.08 * steps, *hud.numbers[2:, 0]]
    for value, (_, digits, left, top, size, *_) in zip(values, hud.numbers, strict=True):
        dot = max(int(size * height / 5 + 0.5), 1)
        for place, digit in enumerate(f"{int(value):0{int(digits)}d}"):
            bits = f"{DIGITS[int(digit)]:015b}"
            shape = np.array([bit == "1" for bit in bits]).reshape(5, 3).repeat(dot, axis=0).repeat(dot, axis=1)
            row, column = int(top * height), int(left * width) + 4 * place * dot
            places[row : row + 5 * dot, column : column + 3 * dot] |= shape
    return places


def sides(one: float, end: float, length: int) -> tuple[float, float]:
    return np.floor(one * length + 0.5), np.floor(end * length + 0.5)


def test_landmarks_change_nothing_below_the_cliff():
    for heading in (-1.0, 0.0, 1.0):
        level = standing((0.0, 20.0, 1.0), heading, camera_tilt=0.0)
        changes = differ(frames("none", level), frames("landmarks", level))
        assert not changes[:, SIZE[0] // 2 :].any(), "what is below the horizon is nearer than the cliff's edge"
        assert changes[:, : SIZE[0] // 2].any(axis=(1, 2)).all() or heading
    back = standing(heading=np.pi)
    assert not differ(frames("none", back), frames("landmarks", back)).any()


def test_the_camera_shakes_with_speed_only():
    still, fast = standing(steps=7.0), standing(steps=7.0, vy=9.0)
    assert not differ(frames("none", still), frames("shake", still)).any()
    assert differ(frames("none", fast), frames("shake", fast)).any(axis=(1, 2)).all()


def test_another_character_is_seen_where_the_character_was():
    state = standing((0.0, 15.0, 1.0))
    every = np.array([painter("none").draw_one(state, name) for name in CHARACTERS])
    rows, columns = np.nonzero(differ(every, every[:1]).any(axis=0))
    changes = differ(frames("none", state), frames("character", state))
    assert changes.any(axis=(1, 2)).all()
    changes[:, rows.min() - 1 : rows.max() + 2, columns.min() - 1 : columns.max() + 2] = False
    assert not changes.any()


def test_the_team_is_seen_on_the_plaza_only():
    assert differ(frames("none", VIEWS[1]), frames("team", VIEWS[1])).any(axis=(1, 2)).mean() > 0.5
    assert not differ(frames("none", VIEWS[3]), frames("team", VIEWS[3])).any()


def test_the_time_of_day_moves_no_edge():
    # Faces are flat and keep their shape: wherever two neighbors showed one face, they still do.
    for kind in ("light", "weather", "colors"):
        state = standing((0.0, 40.0, 1.0), camera_tilt=-0.6)
        plain, other = frames("none", state), frames(kind, state)
        same = (plain[:, :, 1:] == plain[:, :, :-1]).all(axis=-1)
        still = (other[:, :, 1:] == other[:, :, :-1]).all(axis=-1)
        assert (still & same).sum() / same.sum() > 0.99, kind


@pytest.mark.parametrize("variety", [("light",), "high"])
def test_no_night_is_too_dark_to_see(variety):
    for view in VIEWS:
        seen = frames(variety, view, range(100)).reshape(100, -1)
        assert seen.mean(axis=1).min() >= 12 and seen.std(axis=1).min() > 8


def random_actions(steps: int) -> np.ndarray:
    space = gamepad.action_space()
    space.seed(0)
    actions = np.array([space.sample() for _ in range(steps)])
    actions[:, gamepad.LEFT_Y] = np.maximum(actions[:, gamepad.LEFT_Y], 8)
    return actions


def play(variety: Any, steps: int = 25, **keywords: Any) -> tuple[np.ndarray, np.ndarray]:
    """States and observations of an environment, starting with the reset's."""
    env = gymnasium.make("Jumppad-v0", image_size=SIZE, variety=variety, **keywords)
    states, observations = [], [env.reset(seed=5)[0]]
    for action in random_actions(steps):
        states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
        observations.append(env.step(action)[0])
    states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
    env.close()
    return np.array(states), np.array(observations)


@pytest.fixture(scope="module")
def live() -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    return {variety: play(variety) for variety in ("none", "paper", "high", ("hud", "colors"))}


def test_physics_and_looks_are_the_same_under_every_variety(live):
    states, seen = live["none"]
    assert len({one.tobytes() for one in states}) == len(states)
    for variety, (others, pixels) in live.items():
        assert np.array_equal(states, others)
        assert (variety == "none") == np.array_equal(seen, pixels)


def test_stored_states_drawn_under_another_variety_are_what_was_seen_there(live):
    states, _ = live["none"]
    for variety, (_, seen) in live.items():
        out = np.empty_like(seen)
        painter(variety).draw(states, ["rider"] * len(states), out)
        assert np.array_equal(out, seen), variety


def test_people_see_the_same_look_as_agents():
    env = gymnasium.make("Jumppad-v0", variety="high", image_size=SIZE, render_mode="rgb_array", render_size=SIZE)
    observations, rendered = [], []
    for number in range(8):
        observations.append(env.reset(seed=0, options={"look": number})[0])
        rendered.append(env.render())
        state = env.unwrapped.get_state()  # pyright: ignore[reportAttributeAccessIssue]
        assert np.array_equal(rendered[-1], painter("high", fine=True).draw_one(state, "rider"))
    env.close()
    distances = np.abs(np.array(rendered, float)[:, None] - np.array(observations, float)[None]).mean(axis=(2, 3, 4))
    assert distances.argmin(axis=1).tolist() == distances.argmin(axis=0).tolist() == list(range(8))


def test_a_state_that_is_set_shows_its_own_look_and_goes_on_the_same(live):
    states, seen = live["high"]
    env = gymnasium.make("Jumppad-v0", image_size=SIZE, variety="high")
    env.reset(seed=77)
    observation, _ = env.unwrapped.set_state(states[10])  # pyright: ignore[reportAttributeAccessIssue]
    assert np.array_equal(observation, seen[10])
    assert np.array_equal(env.unwrapped.get_state(), states[10])  # pyright: ignore[reportAttributeAccessIssue]
    for step, action in enumerate(random_actions(len(states) - 1)[10:], start=11):
        assert np.array_equal(env.step(action)[0], seen[step])
    env.close()


def make_many(count: int, threads: int, **keywords: Any) -> JumppadVectorEnv:
    keywords = {"variety": "high", "image_size": (16, 24), "max_episode_steps": 5, "character": "random", **keywords}
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=count, threads=threads, **keywords)
    assert isinstance(envs, JumppadVectorEnv)
    return envs


@pytest.mark.parametrize("threads", [1, 3])
def test_each_element_of_many_is_a_single_environment_through_many_episodes(threads):
    count, actions = 19, random_actions(23)
    envs = make_many(count, threads)
    seen: list[Any] = [(envs.reset(seed=3)[0], None)]
    for action in actions:
        observations, _, _, _, infos = envs.step(np.tile(action, (count, 1)))
        seen.append((observations, infos.get("final_obs")))
    envs.close()
    looks = set()
    single = gymnasium.make("Jumppad-v0", variety="high", image_size=(16, 24), max_episode_steps=5, character="random")
    for row in range(count):
        assert np.array_equal(single.reset(seed=3 + row)[0], seen[0][0][row])
        for action, (observations, final) in zip(actions, seen[1:], strict=True):
            observation, _, terminated, truncated, _ = single.step(action)
            if terminated or truncated:
                assert np.array_equal(observation, final[row])
                observation, _ = single.reset()
            assert np.array_equal(observation, observations[row])
            looks.add(single.unwrapped.get_state()[LOOK])  # pyright: ignore[reportAttributeAccessIssue]
    single.close()
    assert len(looks) == count * 5


def digest_of_play() -> str:
    return play("high", steps=5)[1].tobytes().hex()[:4000]


def test_another_process_gives_the_same_frames():
    program = "from tests.jumppad_env.drawing.test_variety import digest_of_play; print(digest_of_play())"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == digest_of_play()


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
@pytest.mark.parametrize("variety", [3, None, {}, {"hud": 1}, "", "lots", [["hud"]], ["hud", None], ("high", "hud")])
def test_what_is_no_variety_is_refused_when_an_environment_is_made(make, variety):
    for name in ("Jumppad-v0", "JumppadState-v0"):
        with pytest.raises(ValueError, match="variety=.* is unknown; choose one of 'none', 'paper', 'high'") as caught:
            make(name, variety=variety)
        assert "'landmarks'" in str(caught.value) and "\n" not in str(caught.value)


def test_kinds_may_come_alone_or_in_any_sequence_and_order(live):
    _, seen = live["hud", "colors"]
    for variety in (["hud", "colors"], ("colors", "hud"), ["colors", "hud", "hud"]):
        assert np.array_equal(play(variety, steps=3)[1], seen[:4])
    assert np.array_equal(play("hud", steps=3)[1], play(["hud"], steps=3)[1])
    assert np.array_equal(play((), steps=3)[1], live["none"][1][:4])


@pytest.mark.parametrize("variety", ["paper", ("camera", "hud"), ["camera", "hud"]])
def test_a_spec_with_variety_survives_json_and_pickle(variety):
    env = gymnasium.make("Jumppad-v0", image_size=SIZE, variety=variety)
    assert env.spec is not None
    text = env.spec.to_json()
    expected = env.reset(seed=4)[0]
    for spec in (EnvSpec.from_json(text), pickle.loads(pickle.dumps(env.spec))):
        again = gymnasium.make(spec)
        assert again.spec is not None and json.loads(again.spec.to_json()) == json.loads(text)
        assert np.array_equal(again.reset(seed=4)[0], expected)
        again.close()
    env.close()


def test_a_look_is_drawn_from_the_seed_or_given_and_shifts_nothing_else():
    env = gymnasium.make("JumppadState-v0", character="random")
    column = LOOK
    drawn = []
    for seed in range(20):
        _, info = env.reset(seed=seed)
        state = env.unwrapped.get_state()  # pyright: ignore[reportAttributeAccessIssue]
        drawn.append(state[column])
        for look in (0, 5, np.uint32(7), np.int64(LOOKS - 1)):
            _, given = env.reset(seed=seed, options={"look": look})
            other = env.unwrapped.get_state()  # pyright: ignore[reportAttributeAccessIssue]
            assert other[column] == look and given["character"] == info["character"]
            assert np.array_equal(np.delete(other, column), np.delete(state, column))
    assert len(set(drawn)) == 20 and max(drawn) > LOOKS / 2 and all(look == int(look) for look in drawn)
    env.close()


@pytest.mark.parametrize("look", [-1, LOOKS, True, np.True_, 1.0, np.float64(3), "5", None, [5], np.array(5)], ids=repr)
def test_what_is_no_look_is_refused(look):
    message = f"^{re.escape(f'reset option look={look!r}')} must be an integer from 0 to {LOOKS - 1}$"
    env = gymnasium.make("JumppadState-v0")
    with pytest.raises(ValueError, match=message):
        env.reset(seed=0, options={"look": look})
    with pytest.raises(ValueError, match=message):
        gymnasium.make_vec("JumppadState-v0", num_envs=2).reset(seed=0, options={"look": look})


def test_all_rows_get_the_look_that_is_given():
    envs = make_many(3, 1)
    envs.reset(seed=0, options={"look": 9})
    assert envs.states()[:, LOOK].tolist() == [9, 9, 9]
    envs.close()


@pytest.mark.parametrize("name", ["Jumppad-v0", "JumppadState-v0"])
@pytest.mark.parametrize(
    ("variety", "character"),
    [("high", "random"), (("hud", "camera"), "walker")]
    + [pytest.param(one, who, marks=pytest.mark.slow) for one in VARIETIES for who in (*CHARACTERS, "random")],
)
def test_gymnasiums_checks_pass(name, variety, character):
    options = {"image_size": (24, 32), "render_size": (36, 60), "render_mode": "rgb_array"}
    env = gymnasium.make(name, variety=variety, character=character, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The state is in meters and unbounded: these two remarks are no faults.
        warnings.filterwarnings("ignore", message=".*A Box observation space (minimum|maximum) value is")
        check_env(env.unwrapped, skip_render_check=True)
    env.close()
