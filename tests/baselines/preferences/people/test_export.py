"""From answers to comparisons, and what is learned from them."""

import dataclasses
import re
import shutil
import time
from contextlib import closing

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.targets import Target
from baselines import artifact
from baselines.label.config import LabelConfig
from baselines.label.opening import merge, open_answers
from baselines.models.policy import Policy
from baselines.pipeline import Arguments, pipeline
from baselines.preferences.comparisons import load_comparisons
from baselines.preferences.labels import label
from baselines.preferences.people.export import TooFew, export_answers
from baselines.preferences.people.judge import BackgroundReward, features_of, fit_ensemble
from baselines.preferences.people.pairs import Asking, Questions
from baselines.reward import RewardConfig, reward
from baselines.stages import Stages
from baselines.training.loop import OptimizerConfig, read_metrics
from tools.fuzzing import miniature
from tools.labeling.accuracy import accuracy


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Direct runs with frames, and an agent of random weights that sees them."""
    place = tmp_path_factory.mktemp("compared")
    collect(CollectConfig(episodes=36, population="curated", image_size=miniature.SIZE), place / "rollouts", workers=1)
    with artifact.begin(place / "finetuned", kind="policy", config={}, seed=0, inputs={}):
        Policy.initialize(miniature.NETWORK, 0).save_pretrained(place / "finetuned")
    return place


def answer_all(compared, out, count, name="Ada", says=lambda left, right: "left" if left else "right"):
    """Has a scripted person answer, who prefers runs to the left pad; ties are equal."""
    dataset = Dataset(compared / "rollouts")
    truth = label(dataset, "pad", Target.parse("left"))
    config = LabelConfig(out, compared / "rollouts", question="Left?")
    with closing(open_answers(config, dataset)) as store:
        questions = Questions(store, Asking(repeats=0.0), len(dataset), 0)
        for number in range(count):
            (show,) = questions.next(name, 1, 0.0)
            left, right = truth[show.left], truth[show.right]
            store.answer(show.id, name, "equal" if left == right else says(left, right), 1.0, 1, float(number))
    return out


def contents(directory):
    """Every file below a directory, by name."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_comparisons_are_what_people_said(compared, tmp_path):
    labels = answer_all(compared, tmp_path / "labels", 60)
    export_answers(labels, compared / "rollouts", tmp_path / "preferences")
    dataset = Dataset(compared / "rollouts")
    truth, seen = label(dataset, "pad", Target.parse("left")), 0
    for part in ("train", "held_out"):
        pairs = load_comparisons(tmp_path / "preferences", part, dataset)
        assert pairs.probability is not None
        ties = pairs.probability == 0.5
        assert (truth[pairs.chosen] == truth[pairs.rejected])[ties].all() and ties.any()
        assert (truth[pairs.chosen] > truth[pairs.rejected])[~ties].all() and (pairs.probability[~ties] == 1).all()
        seen += len(pairs)
    metrics = artifact.load_manifest(tmp_path / "preferences", "preferences")["metrics"]
    assert seen == 60 == metrics["people"]["Ada"] and metrics["train"]["ties"] > 0
    export_answers(labels, compared / "rollouts", tmp_path / "preferences")  # once more: there already
    answer_all(compared, labels, 1)
    with pytest.raises(ValueError, match="answers"):
        export_answers(labels, compared / "rollouts", tmp_path / "preferences")


def test_a_reward_model_learns_from_answers_with_ties(compared, tmp_path):
    labels = answer_all(compared, tmp_path / "labels", 60)
    export_answers(labels, compared / "rollouts", tmp_path / "preferences")
    config = RewardConfig(OptimizerConfig(updates=60, learning_rate=3e-3, warmup_updates=2))
    inputs = (compared / "finetuned", compared / "rollouts", tmp_path / "preferences")
    reward(config, *inputs, tmp_path / "judge", device="cpu")
    lines = read_metrics(tmp_path / "judge")
    assert np.mean([line["loss"] for line in lines[-10:]]) < np.mean([line["loss"] for line in lines[:10]])
    metrics = artifact.load_manifest(tmp_path / "judge", "reward_model")["metrics"]
    assert 0.0 <= metrics["accuracy"] <= 1.0 and metrics["comparisons"] > 30


def test_too_few_answers_and_other_episodes_are_refused(compared, tmp_path):
    labels = answer_all(compared, tmp_path / "labels", 1)
    with pytest.raises(
        ValueError, match="1 answers so far, but no held-out pair has a clear winner|but no training pair has"
    ):
        export_answers(labels, compared / "rollouts", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="holds no answers"):
        export_answers(tmp_path / "nowhere", compared / "rollouts", tmp_path / "out")
    collect(CollectConfig(episodes=6, image_size=None, seed=5), tmp_path / "others", workers=1)
    more = answer_all(compared, labels, 59)
    with pytest.raises(ValueError, match="are about other episodes than"):
        export_answers(more, tmp_path / "others", tmp_path / "out")


def test_answers_of_several_people_become_one_set(compared, tmp_path):
    ada, bob = (answer_all(compared, tmp_path / name, 30, name) for name in ("Ada", "Bob"))
    dataset = Dataset(compared / "rollouts")
    config = LabelConfig(ada, compared / "rollouts", question="Left?")
    with closing(open_answers(config, dataset)) as store:
        assert merge(store, bob) == 30 and merge(store, bob) == 0
    export_answers(ada, compared / "rollouts", tmp_path / "both")
    assert artifact.load_manifest(tmp_path / "both", "preferences")["metrics"]["people"] == {"Ada": 30, "Bob": 30}
    asked = dataclasses.replace(config, out=tmp_path / "else", question="Right?")
    with closing(open_answers(asked, dataset)) as store, pytest.raises(ValueError, match="has another question than"):
        merge(store, bob)


def test_models_of_answers_know_what_was_answered_and_disagree_elsewhere(compared, tmp_path):
    dataset = Dataset(compared / "rollouts")
    features = features_of(compared / "finetuned", dataset)
    assert features.shape == (36, 2 * miniature.NETWORK.width) and np.isfinite(features).all()
    truth = label(dataset, "pad", Target.parse("left"))
    eyes = np.concatenate([features, 3 * truth[:, None]], axis=1).astype(np.float32)
    labels = answer_all(compared, tmp_path / "labels", 40)
    with closing(open_answers(LabelConfig(labels, compared / "rollouts", question="Left?"), dataset)) as store:
        judge = fit_ensemble(eyes, store.given(), 0)
    assert judge is not None and fit_ensemble(eyes, [], 0) is None
    left, other = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)[: int(truth.sum())]
    said = judge(left, other)
    assert said.shape == (8, len(left)) and (said.mean(axis=0) > 0.7).mean() > 0.9
    assert np.allclose(judge(left, left), 0.5)


@pytest.mark.slow
def test_a_reward_model_in_the_background_tells_its_accuracy(compared, tmp_path):
    labels = answer_all(compared, tmp_path / "labels", 4)
    dataset = Dataset(compared / "rollouts")
    with closing(open_answers(LabelConfig(labels, compared / "rollouts", question="Left?"), dataset)) as store:
        with closing(BackgroundReward(store, compared / "rollouts", compared / "finetuned", labels)) as background:
            background.start()
            answer_all(compared, labels, 56)
            until = time.monotonic() + 300
            while (background.result or {}).get("train", 0) <= 20 and time.monotonic() < until:
                background.answered()
                time.sleep(0.2)
            found = background.result
            assert found is not None and found["train"] > 20 and found["held_out"] > 3, found
            assert found["ci95"][0] <= found["accuracy"] <= found["ci95"][1]
        assert not list(labels.glob(".reward_model-*")), "nothing is left behind"


SMALL = dataclasses.replace(miniature.PRESET, rollouts=dataclasses.replace(miniature.PRESET.rollouts, episodes=16))


def answer_in(place, count, question="A?", labels="labels"):
    """Has a person answer about the rollouts of the run in a place."""
    rollouts = Dataset(place / "run" / "rollouts")
    asked = LabelConfig(place / labels, rollouts.directory, question=question)
    with closing(open_answers(asked, rollouts)) as store:
        questions = Questions(store, Asking(repeats=0.0), len(rollouts), 0)
        for number in range(count):
            (show,) = questions.next("<i>Ada</i>", 1, 0.0)
            said = "left" if show.left < show.right else "right"
            store.answer(show.id, "<i>Ada</i>", said, 1.0, 1, float(number))


def run_in(place, labels="labels"):
    """Runs the pipeline on the answers in a place, by its command."""
    pipeline(Arguments("smoke", place / "run", ("left",), place / labels, workers=1, config=SMALL))


def answers_of(place):
    """Returns how many answers the comparisons of a run are made of."""
    return artifact.load_manifest(place / "run/people_left/preferences", "preferences")["metrics"]["people"]


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A run that has learned from 30 answers."""
    place = tmp_path_factory.mktemp("answered")
    Stages("smoke", SMALL, place / "run", 0).rollouts()
    answer_in(place, 30)
    run_in(place)
    return place


@pytest.mark.slow
def test_the_pipeline_goes_from_answers_to_an_aligned_agent(answered):
    assert answers_of(answered) == {"<i>Ada</i>": 30}
    page = (answered / "run" / "report" / "index.html").read_text()
    assert "Aligned left (people), it goes there" in page and "--targets left --labels LABELS" in page
    assert "&lt;i&gt;Ada&lt;/i&gt;" in page and "<i>Ada" not in page and "30 answers" in page


@pytest.mark.slow
def test_the_pipeline_learns_anew_from_further_answers(answered, tmp_path, capsys):
    shutil.copytree(answered, tmp_path / "copy")
    place, run = tmp_path / "copy", tmp_path / "copy" / "run"
    (run / "videos").mkdir()  # a preset as small as this one records none
    (run / "videos" / "people_left_aligned.mp4").write_bytes(b"film")
    before = contents(run)
    run_in(place)
    assert contents(run) == before, "the same answers bring nothing new"
    answer_in(place, 10, question="B?", labels="others")
    with pytest.raises(ValueError, match=r"people_left/preferences answers 'A\?', but .*others 'B\?'; choose another"):
        run_in(place, "others")
    answer_in(place, 1, labels="few")
    with pytest.raises(TooFew):
        run_in(place, "few")
    assert contents(run) == before, "what cannot be learned from moves nothing"

    answer_in(place, 10)
    run_in(place)
    parts = ("people_left/", "evaluations/people_left_", "videos/people_left_")
    kept = {name: content for name, content in before.items() if name.startswith(parts)}
    assert {name.split("/")[0] for name in kept} == {"people_left", "evaluations", "videos"}
    assert contents(run / "earlier" / "people_left_1") == kept, "what was made of the earlier ones is set aside"
    assert answers_of(place) == {"<i>Ada</i>": 40}
    assert "40 answers" in (run / "report" / "index.html").read_text()

    answer_in(place, 1)
    shutil.rmtree(run / "evaluations" / "people_left_aligned")
    capsys.readouterr()
    run_in(place)
    assert "people_left goes on with the answers that it began with" in capsys.readouterr().out
    assert artifact.is_finished(run / "evaluations" / "people_left_aligned") and answers_of(place) == {"<i>Ada</i>": 40}
    Stages("smoke", SMALL, run, 0).preferences("left")
    assert re.fullmatch(r"\d+\.0% of \d+ synthetic held-out comparisons", accuracy(run))
