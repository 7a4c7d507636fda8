"""Rounds: label, align, label again; whatever is interrupted goes on, and what fails is said."""

import json
import shutil
import time
from contextlib import ExitStack, closing, contextmanager

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines import artifact
from baselines.label.config import LabelConfig
from baselines.label.opening import open_answers, open_page
from baselines.models.policy import Policy
from baselines.preferences.people import store as store_of
from baselines.preferences.people.beside import Beside
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.export import export_answers
from baselines.preferences.people.pairs import Asking, Questions
from baselines.preferences.people.rounds import LOG, RoundConfig, Rounds
from tools.fuzzing import miniature

CONFIG = RoundConfig(answers=8, episodes=12, updates=2)
ASKING = Asking(repeats=0.0, golden=0.0, held_out=0.5)


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """An agent of random weights, and pairs that are the same in every run."""
    monkeypatch.setattr(store_of.secrets, "token_hex", lambda _: "0" * 16)
    out = tmp_path / "agent"
    with artifact.begin(out, kind="policy", config={}, seed=0, inputs={}):
        Policy.initialize(miniature.NETWORK, 0).save_pretrained(out)
    return out


def config_of(agent, place, **changes):
    return LabelConfig(
        place, agent=agent, question="Which?", known="left", asking=ASKING, **{"round": CONFIG, **changes}
    )


@contextmanager
def begun(agent, place, **changes):
    """What the page asks of the server, and the rounds under way."""
    with ExitStack() as stack:
        labeling = open_page(config_of(agent, place, **changes), stack)
        (rounds,) = labeling.learners
        assert isinstance(rounds, Rounds)
        yield labeling, rounds


def answer(labeling, count, name="Ada"):
    """Answers pairs as the page does, and returns them."""
    done = []
    for _ in range(count):
        show = labeling.next({"annotator": name})["shows"][0]
        labeling.answer({"annotator": name, "show": show["id"], "answer": "left", "seconds": 1.0, "plays": 1})
        done.append(show)
    return done


def wait_until(true, rounds, *, fails=False):
    while not true():
        assert fails or "cannot" not in rounds.status(), rounds.status()
        time.sleep(0.05)


@pytest.mark.slow
def test_rounds_go_on_after_an_interruption_and_use_all_answers(agent, tmp_path):
    place = tmp_path / "online"
    with begun(agent, place) as (labeling, rounds):
        assert labeling.panel()["round"] == "Round 1: 0 answers of 8." and rounds.agent == agent
        first = answer(labeling, 8)
        wait_until(lambda: "being aligned" in rounds.status(), rounds)
        assert rounds.result["held_out"] + rounds.result["train"] == 8
        labeling.undo({"annotator": "Ada"})
    with begun(agent, place) as (labeling, rounds):  # it was interrupted while it aligned, and lacks an answer since
        assert rounds.result["held_out"] + rounds.result["train"] == 8
        wait_until(lambda: rounds.status() == "Round 2: 0 answers of 8.", rounds)
        assert len(rounds.episodes) == 24 and rounds.agent == place / "round-001" / "agent"
        first[-1] = answer(labeling, 1)[0]  # the one that was taken back
        seen = answer(labeling, 3)  # were on the screen already
        second = answer(labeling, 8)
        assert labeling.pictures.ask(second[0]["left"]).result()[:4] != b"", "drawn from the second round's"
        wait_until(lambda: rounds.number == 2, rounds)
        assert rounds.result["held_out"] + rounds.result["train"] == 19, "of both rounds"
        assert len(labeling.panel()["reached"]) == 3
    asked = [{show[side] for show in some for side in ("left", "right")} for some in (first + seen, second)]
    assert max(asked[0]) < 12 <= min(asked[1]) and max(asked[1]) < 24
    lines = [json.loads(line) for line in (place / LOG).read_text().splitlines()]
    assert [line["round"] for line in lines] == [1, 2] and not (place / "round-002" / "episodes").exists()
    pairs = np.load(place / "round-002" / "preferences" / "comparisons.npz")
    told = {int(episode) for name in ("train_chosen", "held_out_chosen") for episode in pairs[name]}
    assert told == {show["left"] for show in (*first, *seen, *second)}, "numbered on from round to round"
    before, after = (Policy.from_pretrained(which).network.state_dict() for which in (agent, rounds.agent))
    assert any((before[name] != after[name]).any() for name in before)
    with pytest.raises(ValueError, match="are about an agent's fresh episodes, round by round"):
        export_answers(place, place / "round-001" / "rollouts", tmp_path / "preferences")
    shutil.rmtree(place / "round-001" / "reward_model")  # to make room: it is needed no more
    with begun(agent, place) as (_, rounds):
        assert rounds.number == 2 and len(rounds.episodes) == 36 and rounds.status() == "Round 3: 0 answers of 8."
    shutil.rmtree(place / "round-003")
    shutil.copytree(place / "round-001", place / "round-003")
    with pytest.raises(ValueError, match="other rollouts of round 3: .* put those back that lay in .*round-003"):
        with begun(agent, place):
            pass


@pytest.mark.slow
def test_what_fails_is_said_and_tried_again(agent, tmp_path, capsys):
    place = tmp_path / "online"
    with begun(agent, place) as (labeling, rounds):
        (place / "round-001" / "agent").write_text("in the way")
        answer(labeling, 8)
        wait_until(lambda: "cannot learn" in rounds.status(), rounds, fails=True)
        assert "round-001/agent" in rounds.status() and "round 1: " in capsys.readouterr().err
        (place / "round-001" / "agent").unlink()
    with pytest.raises(ValueError, match="other options of round 1: .* give --round.updates and --round.token as be"):
        with begun(agent, place, round=RoundConfig(answers=8, episodes=12, updates=3)):
            pass
    with begun(agent, place) as (_, rounds):
        (place / LOG).mkdir()  # nothing but a line is lost
        wait_until(lambda: rounds.status() == "Round 2: 0 answers of 8.", rounds)
    assert "lacks a line" in capsys.readouterr().err


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


@pytest.mark.parametrize("labels_per_pair", [1, 2])
def test_a_new_round_asks_about_its_own_episodes_alone(agent, tmp_path, labels_per_pair):
    with closing(open_answers(config_of(agent, tmp_path / "a"))) as store:
        questions = Questions(store, Asking(repeats=0.0, labels_per_pair=labels_per_pair), 20, 0)
        old = questions.next("Ada", 2, 0.0)
        questions.ask_about(range(20, 50))
        assert {*questions.train, *questions.held_out} == {*range(20, 50)} and len(questions.held_out) == 8
        assert questions.next("Ada", 2, 0.0) == old, "what is on the screen stays"
        for name, count in (("Ada", 12), ("Bob", 12)):
            for _ in range(count):
                (show,) = questions.next(name, 1, 9999.0)
                store.answer(show.id, name, "left", 1.0, 1, 9999.0)
        given = store.given()
        assert all(one.first >= 20 and one.second >= 20 for one in given[2:])
        shared = {one.pair for one in given[:12]} & {one.pair for one in given[12:]}
        assert len(shared) == (10 if labels_per_pair == 2 else 0), "all of the new round, none of the old"
        assert store.count_told(20) == 22 and store.count_told(0) == 24
        store.undo("Ada", 0.0)
        assert store.count_told(20) == 21
        with pytest.raises(ValueError, match="people compare at least 8 episodes, got 7"):
            questions.ask_about(range(50, 57))


def test_what_rounds_cannot_do_is_one_clear_error(tmp_path, agent):
    for changes, said in (
        ({"agent": None}, "give the episodes to compare, .* or an --agent"),
        ({"merge": (tmp_path,)}, "--merge joins answers about the same episodes"),
        ({"asking": Asking("information")}, "pairs of rounds are random"),
        ({"asking": Asking(held_out=0.0)}, "rounds need held-out pairs"),
        ({"rollouts": tmp_path, "round": CONFIG}, "--round.* is about rounds"),
    ):
        with pytest.raises(ValueError, match=said):
            LabelConfig(tmp_path, **{"agent": agent, **changes})
    for wrong, least in (("answers", 1), ("updates", 1), ("episodes", 8)):
        with pytest.raises(ValueError, match=f"at least {least}"):
            RoundConfig(**{wrong: least - 1})
    with pytest.raises(ValueError, match="'red' is on no classic island"), ExitStack() as stack:
        open_page(LabelConfig(tmp_path / "online", agent=agent, known="red"), stack)
    assert not (tmp_path / "online").exists(), "nothing was played for it"


def test_a_command_that_fails_says_why_and_none_begins_after_the_end(tmp_path, monkeypatch):
    beside = Beside()
    with pytest.raises(ChildProcessError, match="nowhere"):
        beside.run("baselines.rollouts", {"agent": tmp_path / "nowhere", "out": tmp_path / "out", "device": "cpu"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "gone.py").write_text("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(ChildProcessError, match="gone was killed by signal 9, perhaps for want of memory"):
        beside.run("gone", {})
    beside.stop()
    assert beside.stopped and not beside.run("baselines.rollouts", {}) and not (tmp_path / "out").exists()
