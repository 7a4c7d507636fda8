import json
import pickle
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env

import jumppad_env
from jumppad_env import gamepad
from jumppad_env.env import JumppadEnv
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world import STATE
from jumppad_env.world.episodes import STATE_OBSERVATION, STATE_WIDTH

SMALL = (24, 32)


ISLAND = load_island()


INFO = {
    "pad": np.int64,
    "success": np.ndarray,
    "fell": np.ndarray,
    "position": np.ndarray,
    "velocity": np.ndarray,
    "heading": np.float64,
    "camera_yaw": np.float64,
    "character": np.int64,
}


def make(**keywords) -> gymnasium.Env:
    if keywords.get("observation") == "state":
        return gymnasium.make("JumppadState-v0", **keywords)
    return gymnasium.make("Jumppad-v0", **{"image_size": SMALL, **keywords})


@pytest.fixture(scope="module")
def env():
    env = make(observation="both", character="random")
    yield env
    env.close()


def before(pad: int) -> dict:
    """Reset options that put the character just in front of a pad."""
    way = ISLAND.landings[pad] - ISLAND.pads[pad]
    way[2] = 0
    way /= np.linalg.norm(way)
    heading = np.arctan2(-way[0], way[1])
    return {"position": ISLAND.pads[pad] - 2.5 * way, "heading": float(heading)}


@pytest.mark.parametrize("observation", ["pixels", "state", "both"])
@pytest.mark.parametrize("name", ["Jumppad-v0", "JumppadState-v0"])
def test_gymnasiums_checks_pass(name, observation):
    env = gymnasium.make(name, observation=observation, image_size=SMALL, render_mode="rgb_array", render_size=(36, 60))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The state is in meters and unbounded: these two remarks are no faults.
        warnings.filterwarnings("ignore", message=".*A Box observation space (minimum|maximum) value is")
        check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_the_module_can_be_named_in_the_id():
    env = gymnasium.make("jumppad_env:JumppadState-v0")
    assert env.spec is not None and env.spec.max_episode_steps == 100
    assert env.metadata["render_fps"] == 10


def test_the_defaults_are_the_contract():
    env = gymnasium.make("Jumppad-v0")
    assert env.observation_space == gymnasium.spaces.Box(0, 255, (128, 128, 3), np.uint8)
    assert env.action_space == gymnasium.spaces.MultiDiscrete([11] * 4 + [2] * 12)
    assert gymnasium.make("JumppadState-v0").observation_space.shape == (STATE_WIDTH,) == (24,)
    assert jumppad_env.PADS == ("left", "middle", "right") and jumppad_env.CHARACTERS == tuple(CHARACTERS)


def test_a_spec_survives_json_and_pickle():
    env = make(target="left", flight_steps=3)
    assert env.spec is not None
    text = env.spec.to_json()
    assert json.loads(text)["kwargs"]["target"] == "left"
    for spec in (EnvSpec.from_json(text), pickle.loads(pickle.dumps(env.spec))):
        again = gymnasium.make(spec)
        assert again.spec is not None and again.spec.to_json() == text
        assert np.array_equal(again.reset(seed=4)[0], env.reset(seed=4)[0])
        again.close()
    env.close()


def test_info_has_the_same_keys_and_types_at_every_step_and_shares_no_memory(env):
    space = gamepad.action_space()
    space.seed(0)
    kept = []
    observation, info = env.reset(seed=0)
    for step in range(30):
        assert {name: type(value) for name, value in info.items()} == INFO, step
        assert info["position"].dtype == info["velocity"].dtype == np.float64
        assert info["position"].shape == info["velocity"].shape == (3,)
        assert info["success"].dtype == info["fell"].dtype == np.bool_ and info["fell"].shape == ()
        assert env.observation_space.contains(observation)
        kept.append([*observation.values(), info["position"], info["velocity"]])
        copies = [array.copy() for array in kept[-1]]
        if step == 12:
            observation, info = env.reset()
            continue
        observation, reward, terminated, truncated, info = env.step(space.sample())
        assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)
        assert all(np.array_equal(*pair) for pair in zip(kept[-1], copies, strict=True)), "changed by the next step"
    for earlier in range(len(kept)):
        for later in range(earlier):
            assert not any(np.shares_memory(*pair) for pair in zip(kept[earlier], kept[later], strict=True))


def test_the_state_observation_is_what_its_documentation_says(env, press):
    observation, info = env.reset(seed=3)
    for _ in range(8):
        observation, *_, info = env.step(press(left=(0.4, 1), right=(-0.6, 0.4), buttons=("X", "B", "Y")))
    columns, start = {}, 0
    for name, width, *_ in STATE_OBSERVATION:
        columns[name] = observation["state"][start : start + width]
        start += width
    assert start == STATE_WIDTH
    state = dict(zip(STATE, env.unwrapped.get_state(), strict=True))
    way = ISLAND.pads[:, :2] - info["position"][:2]
    expected = {
        "position": info["position"],
        "velocity": info["velocity"],
        "sine and cosine of the heading": [np.sin(info["heading"]), np.cos(info["heading"])],
        "sine and cosine of the camera's yaw": [np.sin(info["camera_yaw"]), np.cos(info["camera_yaw"])],
        "camera's tilt": state["camera_tilt"],
        "grounded": state["grounded"],
        "mounted": state["mounted"],
        "attack": state["attack_left"],
        "dodge": state["dodge_wait"],
        "offset to each pad": way.ravel(),
        "pad touched": [0, 0, 0],
    }
    assert columns.keys() == expected.keys()
    for name, value in expected.items():
        assert np.allclose(columns[name], value, atol=1e-5), name


def test_no_column_of_the_state_is_constant(press):
    env = make(observation="state", terminate_on_pad=False)
    seen = []
    for pad in range(3):
        seen.append(env.reset(seed=pad, options=before(pad))[0])
        seen += [env.step(press(left=(0, 1)))[0] for _ in range(6)]
    env.reset(seed=0)
    for buttons in (("A",), ("B",), ("X",), ("Y",)):
        seen.append(env.step(press(right=(0.6, -0.4), buttons=buttons))[0])
    assert (np.ptp(seen, axis=0) > 0).all()


def test_seeds_determine_episodes_and_all_spawns_and_characters_occur():
    env = make(observation="state", character="random")
    starts = []
    for seed in range(60):
        _, info = env.reset(seed=seed)
        _, again = env.reset(seed=seed)
        assert np.array_equal(info["position"], again["position"]) and info["character"] == again["character"]
        assert env.unwrapped.character == jumppad_env.CHARACTERS[info["character"]]  # pyright: ignore[reportAttributeAccessIssue]
        starts.append((*info["position"][:2], jumppad_env.CHARACTERS[info["character"]]))
    assert {start[:2] for start in starts} == {tuple(spawn[:2]) for spawn in ISLAND.spawns}
    assert {start[2] for start in starts} == set(CHARACTERS)


def test_fixing_the_character_does_not_shift_the_spawn_points():
    drawn, fixed = make(observation="state", character="random"), make(observation="state", character="scout")
    for seed in range(10):
        drawn_info, fixed_info = drawn.reset(seed=seed)[1], fixed.reset(seed=seed)[1]
        assert np.array_equal(drawn_info["position"], fixed_info["position"])
        assert jumppad_env.CHARACTERS[fixed_info["character"]] == "scout"


def test_reset_options_override_sampled_values():
    env = make(observation="state")
    for spawn in range(4):
        assert np.array_equal(env.reset(seed=0, options={"spawn": spawn})[1]["position"], ISLAND.spawns[spawn])
    _, info = env.reset(options={"position": (1, 2, 0.5), "heading": 2, "character": "walker"})
    assert info["position"].tolist() == [1, 2, 0.5] and jumppad_env.CHARACTERS[info["character"]] == "walker"
    assert info["heading"] == info["camera_yaw"] == 2.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spwan": 1}, r"unknown reset options \['spwan'\]; known are"),
        ({"spawn": 4}, "spawn=4 must be an integer from 0 to 3"),
        ({"spawn": -1}, "spawn=-1 must"),
        ({"spawn": 1.0}, "spawn=1.0 must"),
        ({"spawn": True}, "spawn=True must"),
        ({"spawn": None}, "spawn=None must"),
        ({"position": (1, 2)}, r"position=\(1, 2\) must be three finite numbers"),
        ({"position": (1, 2, np.nan)}, "position=.* must be three finite numbers"),
        ({"position": (0, 1e7, 0)}, r"position=.* must be three finite numbers \(m\), at most 1e.06"),
        ({1: 2, "spwan": 1}, r"unknown reset options \['spwan', 1\]; known are"),
        ({"heading": -1e7}, r"heading=.* must be one finite number \(rad\), at most 1e.06"),
        ({"position": "here"}, "position='here' must be three finite numbers"),
        ({"position": [[1], [2, 3]]}, "position=.* must be three finite numbers"),
        ({"position": None}, "position=None must be three finite numbers"),
        ({"heading": np.inf}, "heading=inf must be one finite number"),
        ({"heading": "north"}, "heading='north' must be one finite number"),
        ({"heading": None}, "heading=None must be one finite number"),
        ({"heading": [[0.0], [0.0]]}, "heading=.* must be one finite number"),
        ({"character": "nobody"}, "character='nobody' is unknown; choose one of"),
        ({"character": ["rider", "nobody"]}, "character=.* is unknown; choose one of"),
        ({"character": "random"}, "character='random' is unknown"),
    ],
)
@pytest.mark.parametrize("vector", [False, True])
def test_bad_reset_options_are_one_clear_error(options, message, vector):
    env = gymnasium.make_vec("JumppadState-v0", num_envs=2) if vector else make(observation="state")
    with pytest.raises(ValueError, match=message) as caught:
        env.reset(seed=0, options=options)
    assert "\n" not in str(caught.value)


def test_bad_keywords_are_rejected_by_make_and_make_vec():
    refused: list[dict[str, Any]] = [{"target": "up"}, {"image_size": 64}, {"observation": "rgb"}]
    for keywords in refused:
        with pytest.raises(ValueError, match=next(iter(keywords))):
            gymnasium.make("Jumppad-v0", **keywords)
        with pytest.raises(ValueError, match=next(iter(keywords))):
            gymnasium.make_vec("Jumppad-v0", num_envs=2, **keywords)
    with pytest.raises(TypeError, match="pad_size"):
        gymnasium.make("Jumppad-v0", pad_size=3)


@pytest.mark.parametrize("pad", range(3), ids=PADS)
@pytest.mark.parametrize("target", [None, *PADS])
def test_the_target_pad_is_rewarded_once_at_the_touch(pad, target, press):
    env = make(observation="state", target=target)
    env.reset(seed=0, options=before(pad))
    rewards, terminated = [], False
    while not terminated:
        _, reward, terminated, truncated, info = env.step(press(left=(0, 1)))
        rewards.append(reward)
        assert not truncated
        assert info["success"] == (info["pad"] >= 0 and target in (None, PADS[pad]))
    touch = len(rewards) - 1 - 6
    assert rewards == [1.0 if step == touch and target in (None, PADS[pad]) else 0.0 for step in range(len(rewards))]
    assert info["pad"] == pad and not info["fell"]


@pytest.mark.parametrize("flight_steps", [0, 1, 9])
def test_flight_steps_are_shown_after_the_touch(flight_steps, press):
    env = make(observation="state", flight_steps=flight_steps)
    env.reset(seed=0, options=before(1))
    after_touch = []
    terminated = False
    while not terminated:
        _, _, terminated, _, info = env.step(press(left=(0, 1)))
        if info["pad"] >= 0:
            after_touch.append(info["position"][2])
    assert len(after_touch) == 1 + flight_steps
    assert (np.diff(after_touch) > 0).all()


def test_a_fixed_horizon_lasts_to_the_end_whatever_happens(press):
    for options in (before(0), {"position": (-16.0, 12.0, -1.5), "heading": 1.57}):
        env = make(observation="state", terminate_on_pad=False)
        env.reset(seed=0, options=options)
        for step in range(100):
            _, reward, terminated, truncated, info = env.step(press(left=(0, 1)))
            assert not terminated and truncated == (step == 99)
            assert np.isfinite(info["position"]).all()
        assert (info["pad"] == 0) != info["fell"]


def test_falling_off_ends_the_episode_without_a_pad(press):
    env = make(observation="state")
    env.reset(seed=0, options={"position": (-16.0, 12.0, -1.5), "heading": 1.57})
    terminated, total = False, 0.0
    while not terminated:
        _, reward, terminated, truncated, info = env.step(press(left=(0, 1)))
        total += float(reward)
        assert info["fell"] == terminated and not truncated
    assert info["pad"] == -1 and not info["success"] and total == 0


def test_standing_still_ends_after_a_hundred_steps(press):
    env = make(observation="state")
    env.reset(seed=0)
    ends = [env.step(press())[2:4] for _ in range(100)]
    assert ends[:-1] == [(False, False)] * 99 and ends[-1] == (False, True)


def test_states_restore_exactly_with_pixels_and_future(env):
    space = gamepad.action_space()
    space.seed(7)
    actions = [space.sample() for _ in range(25)]
    env.reset(seed=11)
    played = []
    for action in actions:
        state = env.unwrapped.get_state()
        played.append((state, env.step(action)))
    for start in (0, 9, 24):
        env.reset(seed=3, options={"character": jumppad_env.CHARACTERS[played[0][1][4]["character"]]})
        observation, info = env.unwrapped.set_state(played[start][0])
        if start:
            assert_same(observation, played[start - 1][1][0])
            assert_same(info, played[start - 1][1][4])
        for (state, result), action in zip(played[start:], actions[start:], strict=True):
            assert np.array_equal(env.unwrapped.get_state(), state)
            assert_same(env.step(action), result)


def assert_same(one, other):
    """Asserts that nested results are equal bit for bit."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, tuple):
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and np.array_equal(one, other)
    else:
        assert one == other


def test_stepping_requires_a_reset(press):
    for observation in ("state", "pixels"):
        env = make(observation=observation).unwrapped
        with pytest.raises(gymnasium.error.ResetNeeded, match=r"reset\(\)"):
            env.step(press())
    env = make(render_mode="rgb_array").unwrapped
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"reset\(\)"):
        env.render()


@pytest.mark.parametrize("observation", ["state", "pixels"])
def test_a_closed_environment_raises_and_can_be_closed_again(observation, press):
    env = make(observation=observation, render_mode="rgb_array", render_size=(36, 60)).unwrapped
    env.reset(seed=0)
    env.render()
    assert isinstance(env, JumppadEnv)
    state = env.get_state()
    env.close()
    env.close()
    for call in (lambda: env.step(press()), env.reset, env.render, lambda: env.set_state(state)):
        with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="closed; make a new one"):
            call()


def test_closing_an_unused_environment_works():
    env = make()
    env.close()
    env.close()
    with pytest.raises(gymnasium.error.ClosedEnvironmentError):
        env.reset()


def test_an_invalid_action_is_rejected_and_changes_nothing(env):
    env.reset(seed=0)
    state = env.unwrapped.get_state()
    with pytest.raises(ValueError, match="sticks must lie"):
        env.unwrapped.step(np.full(16, 11))
    assert np.array_equal(env.unwrapped.get_state(), state)


def test_rendering_for_people(press):
    env = make(observation="state", render_mode="rgb_array", render_size=(90, 150))
    env.reset(seed=0)
    frame = env.render()
    assert isinstance(frame, np.ndarray) and frame.shape == (90, 150, 3) and frame.dtype == np.uint8
    kept = frame.copy()
    env.step(press(left=(0, 1)))
    later = env.render()
    assert isinstance(later, np.ndarray)
    assert np.array_equal(frame, kept) and not np.array_equal(frame, later)
    env.close()


def test_render_state_equals_render_in_that_state():
    env = JumppadEnv(observation="state", render_mode="rgb_array", render_size=(36, 60))
    env.reset(seed=0)
    state, frame = env.get_state(), env.render()
    for _ in range(8):
        env.step(np.array([5, 10, *gamepad.NEUTRAL[2:]]))
    after = env.get_state()
    assert (env.render() != frame).any() and np.array_equal(env.render_state(state), frame)
    assert np.array_equal(env.get_state(), after), "nothing but a look"
    assert env.render_state(state).shape == (36, 60, 3) and env.render_state(state).dtype == np.uint8
    env.close()
