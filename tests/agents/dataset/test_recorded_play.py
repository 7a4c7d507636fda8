"""What a person records is a dataset like any other: proved, redrawn, put together."""

from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, keep, merge
from agents.dataset.verification import verify
from jumppad_env.game.game import Game, Played
from jumppad_env.game.recording import record


def play(directory: Path, commands: list[set[str]], seed: int, style: str) -> list[Played]:
    """Plays an episode after each of these commands, with wild actions, and records them all."""
    generator = np.random.default_rng(seed)
    episodes = []
    with record(directory, seed, "high", style) as recording:
        game = Game("rider", None, seed, (16, 30), "high")
        for each in commands:
            game.obey(each | {"play"})
            while not game.ended:
                action = generator.integers(0, [11] * 4 + [2] * 12).astype(np.uint8)
                action[1] = max(action[1], 8)
                game.advance(float(generator.uniform(0.02, 0.25)), lambda action=action: action)
            episodes.append(game.played())
            recording.keep(episodes[-1])
        game.close()
    return episodes


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    directory = tmp_path_factory.mktemp("recorded") / "d"
    return directory, play(directory, [set(), {"again"}, {"character"}, {"target"}], 0, "wild")


def test_it_is_proved_by_playing_it_again(recorded):
    faults, right = verify(recorded[0], 0, 1)
    assert not faults and any("4 episodes" in line and "bit for bit" in line for line in right)


def test_it_holds_what_was_played(recorded):
    directory, episodes = recorded
    dataset = Dataset(directory)
    assert len(dataset) == len(episodes) and dataset.frames is None and dataset.goals is None
    for index, played in enumerate(episodes):
        trajectory = dataset.trajectory(index)
        assert np.array_equal(trajectory.actions, played.actions)
        assert np.asarray(trajectory.states).tobytes() == played.states[:-1].tobytes()
        told = (trajectory.seed, trajectory.character, trajectory.pad, trajectory.fell, trajectory.style)
        assert told == (played.seed, played.character, played.pad, played.fell, "wild")
    assert {played.character for played in episodes} == {"rider", "bruiser"}


def test_its_frames_can_be_drawn(recorded, tmp_path):
    steps = rerender(recorded[0], tmp_path / "frames", (16, 16), "high", None, 1)
    drawn = Dataset(tmp_path / "frames").frames
    assert drawn is not None and drawn.shape == (steps, 16, 16, 3) and drawn.std() > 10
    assert not verify(tmp_path / "frames", 20, 1)[0]


def test_it_goes_together_with_others_and_is_told_by_its_style(recorded, tmp_path):
    play(tmp_path / "other", [set()], 1, "careful")
    collect(CollectConfig(episodes=3, image_size=None), tmp_path / "scripted", 1)
    assert merge(tmp_path / "all", [recorded[0], tmp_path / "other", tmp_path / "scripted"]) == 8
    assert not verify(tmp_path / "all", 0, 1)[0]
    assert Dataset(tmp_path / "all").manifest["population"] == "person + human"
    assert keep(tmp_path / "all", tmp_path / "careful", Wanted(style=("careful",))) == 1
