"""The game, in simulated time."""

import gymnasium
import numpy as np
import pytest

from jumppad_env import gamepad
from jumppad_env.drawing import Painter
from jumppad_env.game.game import LONGEST_FRAME, Game, Played
from jumppad_env.island import load_island
from jumppad_env.rules import CHARACTERS, PADS
from jumppad_env.world import STATE
from jumppad_env.world.state import X, Y

SIZE = (36, 60)


class Player:
    """Runs forward, and counts its calls."""

    def __init__(self):
        self.asked = 0
        self.action = gamepad.NEUTRAL.copy()
        self.action[gamepad.LEFT_Y] = 10

    def __call__(self):
        self.asked += 1
        return self.action


@pytest.fixture
def player():
    return Player()


@pytest.fixture
def game():
    game = Game("rider", "left", 0, SIZE)
    yield game
    game.close()


@pytest.fixture
def running(game):
    game.obey({"play"})
    return game


@pytest.mark.parametrize("fps", [60, 30, 7, 3])
def test_control_runs_at_10_hz_whatever_the_frame_rate(running, player, fps):
    for _ in range(4 * fps):
        running.advance(1 / fps, player)
    assert player.asked in (39, 40)  # sums of thirds and sixtieths are not exact


def test_every_frame_shows_another_moment(running, player):
    frames = []
    for _ in range(30):
        running.advance(1 / 60, player)
        frames.append(running.frame())
    changed = [(one != other).any() for one, other in zip(frames[7:], frames[8:], strict=False)]
    assert player.asked <= 5 and all(changed)


def test_drawn_states_include_the_exact_ones(running, player):
    painter = Painter(*SIZE, fine=True)
    running.advance(0.1, player)
    running.advance(0.1, player)
    assert np.array_equal(running.frame(), painter.draw_one(running._older, "rider"))
    while not running.ended:
        running.advance(0.1, player)
    running.advance(0.1, player)
    assert np.array_equal(running.frame(), painter.draw_one(running._unwrapped.get_state(), "rider"))


def test_a_long_stall_is_not_caught_up(running, player):
    running.advance(30.0, player)
    assert player.asked == round(LONGEST_FRAME / 0.1) and not running.ended


def test_the_game_waits_behind_the_help_and_while_paused(game, player):
    assert game.shown == "help"
    for commands, shown in [
        (set(), "help"),
        ({"play"}, None),
        ({"pause"}, "pause"),
        ({"wait"}, "pause"),
        ({"pause"}, None),
        ({"wait"}, "pause"),
        ({"help"}, "help"),
        ({"wait"}, "help"),
        ({"help"}, None),
        ({"start"}, "pause"),
        ({"start"}, None),
        ({"pause"}, "pause"),
        ({"again"}, None),
        ({"pause"}, "pause"),
        ({"discard"}, None),
    ]:
        game.obey(commands)
        assert game.shown == shown, commands
        asked = player.asked
        game.advance(0.25, player)
        assert (player.asked > asked) == (shown is None)


def test_nothing_moves_in_a_pause(running, player):
    running.advance(0.25, player)
    running.obey({"pause"})
    before, status = running.frame(), running.status()
    running.advance(0.25, player)
    assert running.frame() is before and running.status() == status


def test_after_a_reset_nothing_is_interpolated(running, player):
    for _ in range(30):
        running.advance(0.1, player)
    running.obey({"again"})
    start = Painter(*SIZE, fine=True).draw_one(running._unwrapped.get_state(), "rider")
    assert np.array_equal(running.frame(), start)
    running.advance(0.05, player)
    assert np.array_equal(running.frame(), start)


def test_the_clock_of_an_episode(running, player):
    assert running.status().seconds_left == pytest.approx(10.0)
    running.advance(0.35, player)
    status = running.status()
    assert (status.seconds, status.seconds_left) == (pytest.approx(0.3), pytest.approx(9.7))
    player.action = gamepad.NEUTRAL
    while not running.ended:
        running.advance(0.1, player)
    assert player.asked == 100 and running.status().seconds_left == pytest.approx(0.0)
    assert running.panels()[0].title == "Out of time"
    running.advance(1.0, player)
    assert player.asked == 100, "it is over"
    for commands in ({"pause"}, {"wait"}):
        running.obey(commands)
        assert running.shown is None, "the summary stays"
    running.obey({"start"})
    assert not running.ended and running.status().seconds_left == pytest.approx(10.0)


@pytest.mark.parametrize(("target", "success"), [("right", True), (None, True), ("middle", False)])
def test_the_summary_of_a_pad_counts_to_the_touch(player, target, success):
    game = Game("rider", target, 0, SIZE)
    game.obey({"play"})
    env = game._unwrapped
    pad = load_island().pads[PADS.index("right")]
    game._info = game._env.reset(options={"position": pad - (0.0, 5.0, 0.0)})[1]
    game._older = game._newer = start = env.get_state()
    while not game.ended:
        game.advance(0.1, player)
    status = game.status()
    ground = [X, Y]
    flown = np.linalg.norm(env.get_state()[ground] - start[ground])
    assert (status.pad, status.success, status.fell) == (PADS.index("right"), success, False)
    assert status.seconds == pytest.approx((player.asked - env.options.flight_steps) * 0.1)
    assert 2.0 < status.distance < 5.0 < flown, "the run, without the flight"
    assert game.panels()[0].title.startswith("The right pad")
    game.close()


def test_falling_off_is_reported(running, player):
    running._info = running._env.reset(options={"position": (500.0, 0.0, -1.0)})[1]
    while not running.ended:
        running.advance(0.1, player)
    assert running.status().fell and running.panels()[0].title == "Fell off the island"


def test_characters_and_targets_are_selected_cyclically(running, player):
    for name in [*list(CHARACTERS)[1:], "rider"]:
        running.advance(0.1, player)
        running.obey({"character"})
        assert running.character == running._unwrapped.character == name and running.status().seconds == 0
    for target in ("middle", "right", None, "left"):
        running.obey({"target"})
        assert running.target == running._unwrapped.options.target == target


def test_selecting_does_not_end_a_pause(game):
    game.obey({"character", "target"})
    assert game.shown == "help" and "Bruiser" in game.panels()[0].title and "middle" in game.panels()[0].title


def test_preparing_plays_no_steps(game):
    game.prepare()
    assert np.array_equal(game._unwrapped.get_state(), game._newer)
    assert game.status().seconds_left == pytest.approx(10.0) and game.shown == "help"


def test_the_same_seed_starts_at_the_same_places(game):
    other = Game("rider", "left", 0, SIZE)
    for _ in range(4):
        assert np.array_equal(game._newer, other._newer)
        game.obey({"again"})
        other.obey({"again"})
    other.close()


def test_skipped_seeds_are_not_played():
    game = Game("rider", None, 0, SIZE)
    seeds = [game.played().seed]
    for commands in ({"again"}, {"discard"}, {"again"}):
        game.obey(commands)
        seeds.append(game.played().seed)
    other = Game("rider", None, 0, SIZE, skipped={seeds[0], seeds[1], seeds[3]})
    first = other.played().seed
    other.obey({"again"})
    assert first == seeds[2] and other.played().seed not in seeds
    game.close()
    other.close()


def test_commands_that_leave_an_episode(running, player):
    leaving = ("quit", "again", "discard", "character", "target")
    assert all(running.leaves({command}) for command in leaving)
    assert not any(running.leaves({command}) for command in ("start", "play", "pause", "wait", "help"))
    while not running.ended:
        running.advance(0.5, player)
    assert running.leaves({"start"}) and all(running.leaves({command}) for command in leaving)
    assert not any(running.leaves({command}) for command in ("play", "pause", "wait", "help"))


def test_frames_of_any_size_are_of_the_same_moment(running, player):
    running.advance(0.15, player)
    assert running.frame().shape == (*SIZE, 3)
    small = running.frame((18, 30))
    assert np.array_equal(small, Painter(18, 30, fine=True).draw_one(running._drawn[0], "rider"))
    assert np.array_equal(running.frame(), Painter(*SIZE, fine=True).draw_one(running._drawn[0], "rider"))


def replayed(played: Played, variety: str) -> np.ndarray:
    """Returns the states of an episode replayed in a fresh environment."""
    env = gymnasium.make("JumppadState-v0", target=played.target, variety=variety)
    env.reset(seed=played.seed, options={"character": played.character})
    states = [env.unwrapped.get_state()]  # pyright: ignore[reportAttributeAccessIssue]
    for index, action in enumerate(played.actions):
        *_, terminated, truncated, info = env.step(action)
        states.append(env.unwrapped.get_state())  # pyright: ignore[reportAttributeAccessIssue]
        assert (terminated or truncated) == (played.ended and index == len(played.actions) - 1)
    assert (info["pad"], info["fell"]) == (played.pad, played.fell)
    env.close()
    return np.stack(states)


def test_a_played_episode_replays_bit_for_bit():
    """Episodes at odd frame rates, with pauses, abandoned and finished, after changes of character and target."""
    generator = np.random.default_rng(0)
    game = Game("scout", None, 5, SIZE, variety="high")
    episodes = []
    for commands in ({"play"}, {"again"}, {"character"}, {"target"}, {"again", "character"}):
        game.obey(commands | {"play"})
        for moment in range(120 if len(episodes) % 2 else 17):
            if moment == 9:
                game.obey({"pause"})
                game.advance(0.3, game._env.action_space.sample)
                game.obey({"pause"})
            action = gamepad.NEUTRAL.copy()
            action[:] = generator.integers(0, [11] * 4 + [2] * 12)
            game.advance(float(generator.uniform(0.02, 0.25)), lambda action=action: action)
        episodes.append(game.played())
    game.close()
    assert [played.ended for played in episodes] == [False, True] * 2 + [False]
    assert len({played.seed for played in episodes}) == 5 and len({played.character for played in episodes}) == 3
    assert [played.target for played in episodes] == [None] * 3 + ["left"] * 2
    for played in episodes:
        assert played.actions.dtype == np.uint8 and played.states.shape == (len(played.actions) + 1, len(STATE))
        assert 10 < len(played.actions) <= 100
        assert np.array_equal(replayed(played, "high"), played.states)


def test_the_trajectory_contains_exactly_the_steps(game, player):
    game.prepare()
    nothing = game.played()
    assert nothing.actions.shape == (0, gamepad.FACTORS) and nothing.states.shape == (1, len(STATE))
    assert not nothing.ended and nothing.pad == -1
    game.obey({"play"})
    game.advance(0.35, player)
    player.action[:] = 0  # a player may write into its array again
    played = game.played()
    assert len(played.actions) == 3 and (played.actions[:, gamepad.LEFT_Y] == 10).all()
    assert np.array_equal(played.states[0], nothing.states[0]) and played.seed == nothing.seed
    played.states[:] = 0.0
    assert game.played().states.any(), "a copy"
