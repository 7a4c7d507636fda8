"""Rounds: label, align, label again; whatever is interrupted goes on."""

import json
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines import artifact
from baselines.label.config import LabelConfig
from baselines.label.opening import open_answers
from baselines.models.policy import Policy
from baselines.preferences.people.beside import Beside
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.pairs import Asking, Questions
from baselines.preferences.people.rounds import LOG, RoundConfig, Rounds
from tools.fuzzing import miniature

CONFIG = RoundConfig(answers=8, episodes=12, updates=2)


@pytest.fixture
def agent(tmp_path):
    """An agent of random weights."""
    out = tmp_path / "agent"
    with artifact.begin(out, kind="policy", config={}, seed=0, inputs={}):
        Policy.initialize(miniature.NETWORK, 0).save_pretrained(out)
    return out


@contextmanager
def begun(agent, place):
    """Rounds under way, and what they ask."""
    with closing(open_answers(LabelConfig(place, agent=agent, question="Which?"))) as store:
        with closing(Rounds(store, agent, place, CONFIG, 0, None)) as rounds:
            assert rounds.begin()
            questions = Questions(store, Asking(repeats=0.0, held_out=0.5), CONFIG.episodes, 0)
            rounds.follow(questions)
            yield rounds, questions


def answer(rounds, questions, count):
    """Answers pairs, among which every second is held out, and returns them."""
    done = []
    for _ in range(count):
        (show,) = questions.next("Ada", 1, 0.0)
        questions.store.answer(show.id, "Ada", "left", 1.0, 1, 0.0)
        rounds.answered()
        done.append(show)
    return done


def wait_until(true):
    while not true():
        time.sleep(0.05)


@pytest.mark.slow
def test_rounds_go_on_after_an_interruption_and_use_all_answers(agent, tmp_path):
    place = tmp_path / "online"
    with begun(agent, place) as (rounds, questions):
        assert rounds.status() == "Round 1: 0 of 8 answers." and rounds.agent == agent
        first = answer(rounds, questions, 8)
        wait_until(lambda: "being aligned" in rounds.status())
        assert rounds.result["held_out"] + rounds.result["train"] == 8
    with begun(agent, place) as (rounds, questions):  # it was interrupted while it aligned
        wait_until(lambda: rounds.number == 1)
        wait_until(lambda: rounds.status() == "Round 2: 0 of 8 answers.")
        assert len(rounds.episodes) == 24 and rounds.agent == place / "round-000" / "agent"
        second = answer(rounds, questions, 8)
        wait_until(lambda: rounds.number == 2)
        assert rounds.result["held_out"] + rounds.result["train"] == 16, "of both rounds"
    asked = [{episode for show in some for episode in (show.left, show.right)} for some in (first, second)]
    assert max(asked[0]) < 12 <= min(asked[1]) and max(asked[1]) < 24
    lines = [json.loads(line) for line in (place / LOG).read_text().splitlines()]
    assert [line["round"] for line in lines] == [0, 1] and not (place / "round-001" / "episodes").exists()
    pairs = np.load(place / "round-001" / "preferences" / "comparisons.npz")
    told = {int(episode) for name in ("train_chosen", "held_out_chosen") for episode in pairs[name]}
    assert told == {show.left for show in (*first, *second)}, "numbered on from round to round"
    before, after = (Policy.from_pretrained(which).network.state_dict() for which in (agent, rounds.agent))
    assert any((before[name] != after[name]).any() for name in before)
    with begun(agent, place) as (rounds, _):
        assert rounds.number == 2 and len(rounds.episodes) == 36 and rounds.status() == "Round 3: 0 of 8 answers."


@pytest.mark.slow
def test_what_fails_is_said_and_tried_again(agent, tmp_path):
    place = tmp_path / "online"
    with begun(agent, place) as (rounds, questions):
        (place / "round-000" / "agent").write_text("in the way")
        answer(rounds, questions, 8)
        wait_until(lambda: "cannot learn" in rounds.status())
        assert "round-000/agent" in rounds.status()
        (place / "round-000" / "agent").unlink()
        answer(rounds, questions, 1)
        wait_until(lambda: rounds.number == 1)


def test_episodes_are_numbered_on(tmp_path):
    episodes = Episodes("left")
    for number, count in enumerate((3, 6)):
        out = tmp_path / str(number)
        collect(CollectConfig(episodes=count, population="curated", image_size=None, seed=number), out, workers=1)
        episodes.add(Dataset(out))
        assert episodes.latest == range(3 * number, 3 * number + count)
    assert len(episodes) == 9 and episodes.reached() == pytest.approx([1 / 3, 1 / 3])
    for episode, (number, index) in {0: (0, 0), 2: (0, 2), 3: (1, 0), 8: (1, 5)}.items():
        there, wanted = episodes.trajectory(episode), Dataset(tmp_path / str(number)).trajectory(index)
        assert (there.states == wanted.states).all()
        assert episodes.truth is not None and episodes.truth[episode] == (wanted.pad == 0)
    with pytest.raises(ValueError, match="'red' is on no classic island"):
        Episodes("red").add(Dataset(tmp_path / "0"))


def test_a_new_round_asks_about_its_own_episodes_alone(tmp_path):
    with closing(open_answers(LabelConfig(tmp_path, tmp_path))) as store:
        questions = Questions(store, Asking(repeats=0.0), 20, 0)
        old = questions.next("Ada", 2, 0.0)
        questions.ask_about(range(20, 50))
        assert {*questions.train, *questions.held_out} == {*range(20, 50)} and len(questions.held_out) == 8
        assert questions.next("Ada", 2, 0.0) == old, "what is on the screen stays"
        for _ in range(12):
            (show,) = questions.next("Ada", 1, 0.0)
            store.answer(show.id, "Ada", "left", 1.0, 1, 0.0)
        assert all(one.first >= 20 and one.second >= 20 for one in store.given()[2:])
        assert store.count_told(20) == 10 and store.count_told(0) == 12
        store.undo("Ada", 0.0)
        assert store.count_told(20) == 9
        with pytest.raises(ValueError, match="people compare at least 8 episodes, got 7"):
            questions.ask_about(range(50, 57))


def test_what_rounds_cannot_do_is_one_clear_error(tmp_path, agent):
    with pytest.raises(ValueError, match="give the episodes to compare, .* or an --agent"):
        LabelConfig(tmp_path)
    with pytest.raises(ValueError, match="--merge joins answers about the same episodes"):
        LabelConfig(tmp_path, agent=agent, merge=(tmp_path,))
    with pytest.raises(ValueError, match="pairs of rounds are random"):
        LabelConfig(tmp_path, agent=agent, asking=Asking("information"))
    for wrong, said in (
        ({"answers": 0}, "at least 1"),
        ({"updates": 0}, "at least 1"),
        ({"episodes": 7}, "at least 8"),
    ):
        with pytest.raises(ValueError, match=said):
            RoundConfig(**wrong)


def test_a_command_that_fails_says_why_and_none_begins_after_the_end(tmp_path):
    beside = Beside()
    with pytest.raises(ChildProcessError, match="nowhere"):
        beside.run("baselines.rollouts", {"agent": tmp_path / "nowhere", "out": tmp_path / "out", "device": "cpu"})
    beside.stop()
    assert beside.stopped and not beside.run("baselines.rollouts", {}) and not (tmp_path / "out").exists()
