"""Wrappers, ours and Gymnasium's, tested on this environment by values, not only by shapes."""

from typing import Any

import gymnasium
import imageio_ffmpeg
import numpy as np
import pytest
from gymnasium import spaces, wrappers
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import vector

from jumppad_env import ContinuousGamepad, DiscreteGamepad, gamepad
from jumppad_env.island import load_island
from jumppad_env.wrappers import DISCRETE_MOVES

HEIGHT, WIDTH = 16, 24
COUNT = 3
LIMIT = 7
"""Steps after which episodes are cut."""
RIGHT_THERE = {"position": load_island().pads[1] - [0, 1.6, 0]}
"""Reset option: a step or two in front of the middle pad."""
CHANNELS_FIRST = spaces.Box(0, 255, (3, HEIGHT, WIDTH), np.uint8)
LUMINANCE = (0.2125, 0.7154, 0.0721)
"""Of red, green and blue: ITU-R BT.709, rounded as in Gymnasium."""


def make(**keywords: Any) -> gymnasium.Env[Any, Any]:
    keywords = {"image_size": (HEIGHT, WIDTH), "max_episode_steps": LIMIT, **keywords}
    return gymnasium.make("Jumppad-v0", **keywords)


def make_vector(**keywords: Any) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    keywords = {"image_size": (HEIGHT, WIDTH), "max_episode_steps": LIMIT, **keywords}
    return gymnasium.make_vec("Jumppad-v0", num_envs=COUNT, **keywords)


@pytest.mark.filterwarnings("ignore:.*(Box observation space|unwrapped version)")
@pytest.mark.parametrize("wrapper", [ContinuousGamepad, DiscreteGamepad])
def test_wrapped_environments_pass_gymnasiums_checks(wrapper):
    check_env(wrapper(gymnasium.make("JumppadState-v0").unwrapped), skip_render_check=True)


def test_every_gamepad_action_can_be_reached_continuously():
    env = ContinuousGamepad(gymnasium.make("JumppadState-v0"))
    space = gamepad.action_space()
    space.seed(0)
    for _ in range(200):
        action = space.sample()
        wanted = np.concatenate([gamepad.STICK_VALUES[action[:4]], action[4:] * 2 - 1])
        assert np.array_equal(env.action(wanted), action)


def test_continuous_sticks_round_to_the_nearest_bucket_and_buttons_need_more_than_zero():
    env = ContinuousGamepad(gymnasium.make("JumppadState-v0"))
    action = env.action(np.array([0.29, 0.31, -0.29, -1.0] + [0.0, 1e-6] * 6))
    assert action[:4].tolist() == [6, 7, 4, 0]
    assert action[4:].tolist() == [0, 1] * 6


@pytest.mark.parametrize("action", [np.zeros(15), np.full(16, np.nan), np.full(16, np.inf), 0.0])
def test_invalid_continuous_actions_are_rejected(action):
    with pytest.raises(ValueError, match="16 finite numbers"):
        ContinuousGamepad(gymnasium.make("JumppadState-v0")).action(action)


def test_discrete_actions_are_all_different_valid_and_never_shared():
    env = DiscreteGamepad(gymnasium.make("JumppadState-v0"))
    actions = [env.action(index) for index in range(len(DISCRETE_MOVES))]
    assert len({action.tobytes() for action in actions}) == len(DISCRETE_MOVES)
    for action in actions:
        gamepad.validate(action, (16,))
        action[:] = 0
    assert np.array_equal(env.action(0), gamepad.NEUTRAL)


@pytest.mark.parametrize("action", [10, -1, 1.0, "forward", None])
def test_discrete_actions_that_do_not_exist_are_refused(action):
    with pytest.raises(ValueError, match="integer from 0 to 9"):
        DiscreteGamepad(gymnasium.make("JumppadState-v0")).action(action)


ACTIONS = {"continuous": ContinuousGamepad, "discrete": DiscreteGamepad}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_keyword_and_the_wrappers_of_single_and_vector_environments_do_the_same(name):
    wrapper, state = ACTIONS[name], {"observation": "state", "max_episode_steps": 100}
    many = [
        make_vector(actions=name, **state),
        wrapper(make_vector(**state)),
        vector.VectorizeTransformAction(make_vector(**state), wrapper),
        make_vector(actions=name, vectorization_mode="sync", **state),
    ]
    single: list[Any] = [make(actions=name, **state), wrapper(make(**state))]
    space = single[0].action_space
    space.seed(0)
    assert all(env.action_space == space for env in single)
    assert all(envs.single_action_space == space for envs in many)
    assert all(envs.action_space == many[-1].action_space for envs in many)
    for env in (*many, *single):
        env.reset(seed=5)
    for _ in range(12):
        batch = np.stack([space.sample() for _ in range(COUNT)])
        seen = [envs.step(batch)[0] for envs in many] + [[env.step(batch[0])[0]] * COUNT for env in single]
        assert all(np.array_equal(each, seen[0]) for each in seen[: len(many)])
        assert all(np.array_equal(each[0], seen[0][0]) for each in seen)
    assert np.ptp(seen[0][:, :2], axis=0).max() > 1, "they have moved apart"


@pytest.mark.parametrize(
    ("name", "action", "message"),
    [
        ("continuous", np.zeros((COUNT, 15)), "must be 3 rows of 16 finite numbers"),
        ("continuous", np.full((COUNT, 16), np.nan), "must be 3 rows of 16 finite numbers"),
        ("continuous", [[0.0], [0.0, 1.0]], "must be 3 rows of 16 finite numbers"),
        ("discrete", [0, 1], "must be 3 integers from 0 to 9"),
        ("discrete", [0, 1, 10], "must be 3 integers from 0 to 9"),
        ("discrete", [0.0, 1.0, 2.0], "must be 3 integers from 0 to 9"),
        ("discrete", [[0], [1, 2], 3], "must be 3 integers from 0 to 9"),
    ],
)
def test_invalid_actions_of_many_rows_are_rejected(name, action, message):
    for envs in (make_vector(observation="state", actions=name), ACTIONS[name](make_vector(observation="state"))):
        envs.reset(seed=0)
        with pytest.raises(ValueError, match=message):
            envs.step(action)


@pytest.mark.parametrize("wrapper", ACTIONS.values())
def test_a_wrapper_on_other_actions_than_the_gamepads_is_refused(wrapper):
    for env in (make(actions="discrete"), make_vector(actions="discrete")):
        with pytest.raises(ValueError, match='needs an environment with actions="gamepad"'):
            wrapper(env)


def test_discrete_moves_suffice_to_reach_every_pad():
    env = DiscreteGamepad(gymnasium.make("JumppadState-v0", max_episode_steps=150))
    names = [name for name, *_ in DISCRETE_MOVES]
    pads = load_island()
    for index, pad in enumerate(("left", "middle", "right")):
        # Through the neck, to the entrance of the lane, to the pad; turning in place of strafing.
        way = [pads.ways["neck_in"], pads.ways["neck_out"], pads.ways[f"{pad}_in"], pads.pads[index]]
        _, info = env.reset(seed=index)
        ended = False
        while not ended:
            if len(way) > 1 and np.linalg.norm((way[0] - info["position"])[:2]) < 1.5:
                way.pop(0)
            x, y, _ = way[0] - info["position"]
            error = (np.arctan2(-x, y) - info["camera_yaw"] + np.pi) % (2 * np.pi) - np.pi
            move = "forward" if abs(error) < 0.08 else "forward, turn left" if error > 0 else "forward, turn right"
            _, _, terminated, truncated, info = env.step(names.index(move))
            ended = terminated or truncated
        assert info["pad"] == index, (pad, info["position"])


def actions(steps: int, *rows: int) -> np.ndarray:
    """Returns (steps, *rows, 16) random actions."""
    space = gamepad.action_space()
    space.seed(3)
    return np.reshape([space.sample() for _ in range(steps * int(np.prod(rows)))], (steps, *rows, gamepad.FACTORS))


def played(env: gymnasium.Env[Any, Any], steps: int) -> list[Any]:
    """Returns the first observations of an episode, including the reset's."""
    observation, _ = env.reset(seed=5)
    return [observation, *(env.step(action)[0] for action in actions(steps))]


def gray(pixels: np.ndarray) -> np.ndarray:
    return (pixels.astype(np.float64) * LUMINANCE).sum(axis=-1)


def channels_first(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(pixels, -1, -3)


def test_gray_is_the_luminance():
    env = wrappers.GrayscaleObservation(make())
    for frame, pixels in zip(played(env, 5), played(make(), 5), strict=True):
        assert frame in env.observation_space and frame.shape == (HEIGHT, WIDTH)
        assert np.abs(frame - gray(pixels)).max() <= 1
        assert pixels.std() > 10, "a picture, not a plain color"


def test_channels_first_are_the_same_pixels():
    env = wrappers.TransformObservation(make(), channels_first, CHANNELS_FIRST)
    for frame, pixels in zip(played(env, 5), played(make(), 5), strict=True):
        assert frame in env.observation_space
        assert all(np.array_equal(frame[channel], pixels[..., channel]) for channel in range(3))


def test_stacked_frames_are_the_last_ones_oldest_first_and_never_change_afterwards():
    pixels = played(make(), 6)
    stacks = played(wrappers.FrameStackObservation(make(), 4), 6)
    assert all(stack.shape == (4, HEIGHT, WIDTH, 3) for stack in stacks)
    assert any((before != after).any() for before, after in zip(pixels, pixels[1:], strict=False))
    for index, stack in enumerate(stacks):
        wanted = [pixels[max(0, index - back)] for back in (3, 2, 1, 0)]  # the first one fills up
        assert np.array_equal(stack, wanted)


def test_a_stack_of_gray_frames_begins_anew_with_each_episode():
    env = wrappers.FrameStackObservation(wrappers.GrayscaleObservation(make()), 4)
    played(env, LIMIT)
    stack, _ = env.reset(seed=5)
    assert stack in env.observation_space and stack.shape == (4, HEIGHT, WIDTH)
    assert (stack == stack[-1]).all() and np.array_equal(stack, played(env, 0)[0])


def test_statistics_of_an_episode_are_its_return_and_length():
    env = wrappers.RecordEpisodeStatistics(make(max_episode_steps=100))
    forward = gamepad.NEUTRAL.copy()
    forward[gamepad.LEFT_Y] = 10
    for _ in range(2):
        env.reset(seed=0, options=RIGHT_THERE)
        rewards, done, info = [], False, {}
        while not done:
            _, reward, terminated, truncated, info = env.step(forward)
            rewards.append(reward)
            done = terminated or truncated
        assert info["episode"]["r"] == sum(map(float, rewards)) == 1.0
        assert info["episode"]["l"] == len(rewards) < 20


def film(path: Any) -> np.ndarray:
    """Returns (T, height, width, 3) uint8."""
    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return np.array([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader])


def faults(filmed: np.ndarray, drawn: np.ndarray) -> list[str]:
    """How a video differs from the drawn frames: H.264 is lossy, and moviepy may repeat a frame."""
    errors = np.array([[np.abs(gray(frame) - gray(picture)).mean() for picture in drawn] for frame in filmed])
    shown, wanted = errors.argmin(axis=1), np.arange(len(filmed))
    expectations = {
        "length": len(drawn) - 1 <= len(filmed) <= len(drawn),
        "pictures": errors.min(axis=1).max() < 6 < np.median(errors),
        "order": set((wanted - shown).tolist()) <= {0, 1},
        "repeated": (wanted == shown).mean() > 0.8,
    }
    return [name for name, holds in expectations.items() if not holds]


def test_a_film_of_something_else_is_noticed():
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    assert not faults(drawn, drawn) and not faults(drawn[:-1], drawn)
    assert faults(drawn[:-2], drawn) == ["length"]
    assert "pictures" in faults(generator.integers(0, 256, drawn.shape, dtype=np.uint8), drawn)
    assert faults(drawn[::-1], drawn) == ["order", "repeated"]
    assert faults(drawn[[0, *range(19)]], drawn) == ["repeated"]


@pytest.mark.slow
def test_a_film_shows_what_render_showed_and_the_observations_are_left_alone(tmp_path):
    keywords = {"render_mode": "rgb_array", "render_size": (64, 96), "max_episode_steps": 30}
    env, twin = wrappers.RecordVideo(make(**keywords), str(tmp_path / "films")), make(**keywords)
    drawn = []
    for wrapped, plain in zip(played(env, 0), played(twin, 0), strict=True):
        assert np.array_equal(wrapped, plain)
    drawn.append(twin.render())
    for action in actions(30):
        wrapped, plain = env.step(action), twin.step(action)
        assert np.array_equal(wrapped[0], plain[0]) and wrapped[1:4] == plain[1:4]
        drawn.append(twin.render())
    env.close()
    [path] = (tmp_path / "films").glob("*.mp4")
    assert not faults(film(path), np.array(drawn))


@pytest.mark.skipif(
    tuple(map(int, gymnasium.__version__.split(".")[:2])) < (1, 4),
    reason="Gymnasium below 1.4 leaves out the first step of an episode that begins in the same step",
)
def test_vector_statistics_are_those_of_each_row():
    envs = vector.RecordEpisodeStatistics(make_vector(max_episode_steps=30))
    envs.reset(seed=0, options=RIGHT_THERE)
    forward = np.tile(gamepad.NEUTRAL, (COUNT, 1))
    forward[0, gamepad.LEFT_Y] = 10  # the others stand still
    returns, lengths, ended = np.zeros(COUNT), np.zeros(COUNT, int), []
    for _ in range(60):
        _, rewards, terminated, truncated, infos = envs.step(forward)
        returns, lengths, done = returns + rewards, lengths + 1, terminated | truncated
        assert ("episode" in infos) == done.any()
        if done.any():
            assert np.array_equal(infos["_episode"], done)
            assert np.array_equal(infos["episode"]["r"], np.where(done, returns, 0))
            assert np.array_equal(infos["episode"]["l"], np.where(done, lengths, 0))
            ended += [(row, returns[row], lengths[row]) for row in np.flatnonzero(done).tolist()]
            returns, lengths = np.where(done, 0, returns), np.where(done, 0, lengths)
    assert [end[1] for end in ended if end[0] == 0][0] == 1.0
    assert [end[1:] for end in ended if end[0] == 1] == [(0.0, 30), (0.0, 30)]


def vector_channels_first(envs: Any) -> Any:
    return vector.TransformObservation(envs, channels_first, single_observation_space=CHANNELS_FIRST)


TRANSFORMS = [(vector.GrayscaleObservation, gray), (vector_channels_first, channels_first)]


@pytest.mark.parametrize(("wrap", "expected"), TRANSFORMS)
def test_vector_observations_are_transformed_and_those_of_rows_that_begin_anew_too(wrap, expected):
    envs, twins = [make_vector(autoreset_mode=AutoresetMode.DISABLED) for _ in range(2)]
    envs = wrap(envs)
    observations, _ = envs.reset(seed=5)
    plain, _ = twins.reset(seed=5)
    for number, action in enumerate(actions(2 * LIMIT, COUNT), 1):
        assert observations in envs.observation_space
        assert np.abs(observations - expected(plain)).max() <= 1
        observations, _, terminated, truncated, _ = envs.step(action)
        plain, *_ = twins.step(action)
        done = terminated | truncated
        assert done.all() == (number % LIMIT == 0)
        if done.any():
            assert np.abs(observations - expected(plain)).max() <= 1
            observations, _ = envs.reset(options={"reset_mask": done})
            plain, _ = twins.reset(options={"reset_mask": done})


@pytest.mark.parametrize("wrap", [wrap for wrap, _ in TRANSFORMS])
def test_gymnasium_transforms_no_vector_observations_that_are_reset_in_the_same_step(wrap):
    with pytest.raises((ValueError, AssertionError)):  # an assertion below Gymnasium 1.4
        wrap(make_vector())


def test_single_wrappers_fit_in_gymnasiums_own_vector_environments():
    def stacked(env: Any) -> Any:
        return wrappers.FrameStackObservation(wrappers.GrayscaleObservation(env), 4)

    envs = make_vector(vectorization_mode="sync", vector_kwargs={}, wrappers=[stacked])
    observations, _ = envs.reset(seed=5)
    alone = stacked(make())
    assert np.array_equal(observations[0], alone.reset(seed=5)[0])
    for action in actions(4, COUNT):
        observations, *_ = envs.step(action)
        assert np.array_equal(observations[0], alone.step(action[0])[0])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*same-step")
def test_a_vector_film_shows_all_rows_side_by_side(tmp_path):
    keywords = {"render_mode": "rgb_array", "render_size": (64, 96), "max_episode_steps": 30}
    envs = vector.RecordVideo(make_vector(**keywords), str(tmp_path / "films"), video_aspect_ratio=(4, 1))
    alone: list[Any] = [make(**keywords) for _ in range(COUNT)]
    envs.reset(seed=5)
    for row, env in enumerate(alone):
        env.reset(seed=5 + row)
    drawn = [np.concatenate([env.render() for env in alone], axis=1)]
    for action in actions(29, COUNT):  # with the 30th it would show the next episodes
        envs.step(action)
        for row, env in enumerate(alone):
            env.step(action[row])
        drawn.append(np.concatenate([env.render() for env in alone], axis=1))
    envs.close()
    [path] = (tmp_path / "films").glob("*.mp4")
    assert not faults(film(path), np.array(drawn))
