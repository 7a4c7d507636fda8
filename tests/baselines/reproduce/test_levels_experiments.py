"""Experiments on levels: rows of known answers, and the numbers that they read off artifacts."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.outcomes import NAMES
from agents.worlds import WorldConfig
from baselines.laboratory.experiment import rows_of
from baselines.laboratory.graph.nodes import NamedStages
from baselines.models.network import NetworkConfig
from baselines.models.reward_model import RewardModel
from baselines.presets import PRESETS
from baselines.reproduce.experiments import EXPERIMENTS
from baselines.reproduce.levels import chain, color, generalization, horizon, meaning, memory, reading
from baselines.reproduce.levels.ends import places_apart
from baselines.reproduce.levels.reading import classify
from baselines.stages import Stages
from jumppad_env.levels.settings import ISLANDS
from jumppad_env.world.state import CUE
from tests.baselines.reproduce.shown import answers, cells, words_of
from tools.fuzzing import miniature

WORLD = WorldConfig(environment=ISLANDS, num_levels=3)
ON_LEVELS = [experiment for experiment in EXPERIMENTS if "smoke" not in experiment.presets]


def wobble(seed, size=0.004):
    return size * ((seed * 7919) % 5 - 2)


def procedure_rows(seeds, aligned=0.97, unseen=0.93, apart=0.05):
    rows = []
    for seed in range(seeds):
        for stage, none, success in (
            ("demonstrations", 0.44, 0.19),
            ("base", 0.42, 0.2),
            ("finetuned", 0.05, 0.32),
            ("preference_finetuned", 0.01, 0.9),
            ("aligned", 0.01, aligned),
        ):
            for levels in ("training",) if stage == "demonstrations" else ("training", "unseen"):
                reached = success if (stage, levels) != ("aligned", "unseen") else unseen
                rest = (1 - none) / 3
                rows.append({"seed": seed, "stage": stage, "levels": levels, "episodes": 500})
                rows[-1] |= dict(zip(NAMES, (none, rest, rest, rest), strict=True))
                rows[-1] |= {
                    "success": reached + wobble(seed),
                    "apart": apart + wobble(seed) if stage == "base" else 0.2,
                }
    return rows


def test_alignment_on_levels_is_judged_by_its_targets():
    rows = procedure_rows(5)
    assert answers(color, rows) == ["confirmed"] * 3 and answers(chain, rows) == ["confirmed"] * 2
    assert answers(color, procedure_rows(5, aligned=0.9, unseen=0.7, apart=0.12)) == ["refuted"] * 3
    assert cells(color, rows)["aligned, unseen levels", "at the target"].startswith("93.")
    assert ("aligned, training levels", "from people") not in cells(color, rows), "only of the base agent"
    text = words_of(color.EXPERIMENT.draw(rows))
    assert "At the target" in text and "5 seeds, 500 episodes each" in text and "Preference\nfine-tuned" in text
    assert words_of(color.EXPERIMENT.draw(procedure_rows(1)))


def test_where_the_gap_arises_is_judged_for_each_part():
    rows = []
    for seed in range(5):
        for count in generalization.LEVELS:
            for levels in ("training", "unseen"):
                gap = 0.3 * (levels == "unseen" and count == 10)
                rows.append({"seed": seed, "count": count, "levels": levels, "episodes": 1000})
                rows[-1] |= {"apart": 0.05 + gap + wobble(seed), "accuracy": 0.99 - 0.0 * gap + wobble(seed)}
                rows[-1] |= {"success": 0.95 - gap + wobble(seed)}
    assert answers(generalization, rows) == ["confirmed", "inconclusive", "confirmed", "confirmed"]
    text = words_of(generalization.EXPERIMENT.draw(rows))
    assert "levels of training" in text and "Reward model" in text and "1k" in text


def test_place_and_color_are_told_apart():
    rows = []
    for seed in range(5):
        for untied, agent, random in ((0.0, 0.2, 0.4), (0.01, 0.5, 0.5), (0.05, 0.8, 0.6), (0.2, 0.97, 0.9)):
            for encoder, places in (("agent", agent), ("random", random)):
                aligned = encoder == "agent" and untied in meaning.AGENTS
                rows.append({"seed": seed, "untied": untied, "encoder": encoder, "places": places + wobble(seed)})
                rows[-1] |= {"accuracy": 0.99, "goes_left": 0.9 if aligned else None}
                rows[-1] |= {"goes_red": 0.3 if aligned else None}
    assert answers(meaning, rows) == ["confirmed"] * 3
    found = cells(meaning, rows)
    assert found["0% untied, the agent's encoder", "left outranks red"].startswith("20.")
    assert ("5% untied, the agent's encoder", "aligned agent goes left") not in found
    text = words_of(meaning.EXPERIMENT.draw(rows))
    assert "left pad" in text and "1%" in text and "indifferent" in text


def test_a_longer_horizon_is_judged_against_one_island():
    rows = []
    for seed in range(5):
        for islands in horizon.ISLANDS:
            for levels in ("training", "unseen"):
                rows.append({"seed": seed, "islands": islands, "levels": levels, "episodes": 500})
                rows[-1] |= {
                    "apart": 0.05 * islands + wobble(seed),
                    "bits": 1.7 * islands,
                    "people_bits": 1.8 * islands,
                }
                rows[-1] |= {"success": 0.98**islands + wobble(seed), "moved": 0.04 if islands == 2 else None}
                rows[-1] |= {"preferred": 0.9**islands + wobble(seed), "loose": 0.97 + wobble(seed)}
    assert answers(horizon, rows) == ["confirmed"] * 7
    worse = [{**row, "success": 0.1 if row["islands"] == 3 else row["success"], "loose": 0.2} for row in rows]
    assert answers(horizon, worse)[2:6] == ["confirmed", "confirmed", "refuted", "refuted"]
    assert ("3 islands, training levels", "second moved") not in cells(horizon, rows)
    text = words_of(horizon.EXPERIMENT.draw(rows))
    assert "3 islands" in text and "one island's, to the power" in text


def test_the_entropy_of_ways_and_how_far_the_second_choice_moves():
    assert horizon.bits_of({"left, right": 0.5, "right, left": 0.25, "none": 0.25, "left, left": 0.0}) == 1.5
    before = {
        "by_way": {"left-red, left-red": 0.25, "right-red, right-blue": 0.25, "left-red, ...": 0.25, "none": 0.25}
    }
    after = {"by_way": {"left-red, right-red": 0.5, "left-blue, ...": 0.25, "left-blue, left-red": 0.25}}
    assert horizon.second_moved(before, before) == 0.0
    assert horizon.second_moved(before, after) == pytest.approx(0.5 - 1 / 3)


def memory_rows(seeds=5, follows=(0.35, 0.6, 0.96, 0.4, 0.33, 0.34), aligned=0.97):
    rows = []
    for seed in range(seeds):
        for arm, share in zip(memory.ARMS, follows, strict=True):
            for levels in ("training", "unseen"):
                rows.append({"seed": seed, "arm": str(arm), "levels": levels, "episodes": 1000, "people": 0.7})
                rows[-1] |= {"follows": share + wobble(seed), "accuracy": 0.9 if arm.aligned else None}
                rows[-1] |= {"kept": share + wobble(seed)}
                read = levels == "training"
                rows[-1] |= {f"read_{at}": 0.9 - 0.02 * at + wobble(seed) if read else None for at in memory.READ_AT}
                rows[-1] |= {"success": aligned + wobble(seed) if arm.aligned else None}
    return rows


def test_memory_is_judged_by_who_follows_the_flag():
    assert answers(memory, memory_rows()) == ["confirmed"] * 5
    assert answers(memory, memory_rows(follows=(0.9, 0.8, 0.7, 0.9, 0.9, 0.9), aligned=0.4)) == ["refuted"] * 5
    found = cells(memory, memory_rows())
    assert ("context 8, unseen levels", memory.SUCCESS) not in found
    assert found["colors shuffled, unseen levels", memory.FOLLOWS].startswith("33.0")
    assert found["most follow, colors shuffled, training levels", memory.READ[20]].startswith("50.0")
    assert ("context 8, unseen levels", memory.READ[0]) not in found
    text = words_of(memory.EXPERIMENT.draw(memory_rows()))
    assert "people" in text and "aligned" in text and "most follow, colors shuffled" in text


def test_a_linear_classifier_reads_what_features_tell_and_nothing_else():
    generator = np.random.default_rng(0)
    classes = generator.integers(3, size=800)
    noise = generator.normal(size=(800, 20))
    assert classify(noise, classes) == pytest.approx(1 / 3, abs=0.12)
    told = noise.copy()
    told[np.arange(800), classes] += 8
    told[:, 19] = 0.0  # a feature that never varies
    assert classify(told, classes) > 0.97
    held_out = told.copy()
    held_out[600:] = noise[600:]
    assert classify(held_out, classes) < 0.5, "what is counted was not fitted"


def test_the_flag_is_read_at_the_steps_that_are_asked_for(people, monkeypatch):
    """A state that tells a number of the episode at step 5 alone is read there, and nowhere else."""

    class Telling:
        device = torch.device("cpu")

        def __init__(self):
            self.network = torch.nn.Module()
            self.network.trunk = self.look  # pyright: ignore[reportArgumentType]

        def look(self, frames):
            states = torch.zeros(*frames.shape[:2], 4)
            states[:, 5, :3] = torch.nn.functional.one_hot(frames[:, 0, 0, 0, 0].long(), 3).float()
            return states

    def batch(episodes, device):
        frames = torch.zeros(len(episodes), max(map(len, episodes)), 1, 1, 1)
        frames[:, 0, 0, 0, 0] = torch.tensor([float(episode.states[0, CUE]) for episode in episodes])
        return SimpleNamespace(frames=frames)

    class Cued(Dataset):
        def trajectory(self, index):
            episode = super().trajectory(index)
            states = episode.states.copy()
            states[:, CUE] = index % 3
            return dataclasses.replace(episode, states=states)

    monkeypatch.setattr(reading.Policy, "from_pretrained", lambda agent, device: Telling())
    monkeypatch.setattr(reading, "make_batch", batch)
    before, there, after = reading.flag_read(people / "judge", Cued(people / "runs"), (4, 5, 6))
    assert there == 1.0 and before < 0.7 and after < 0.7
    with pytest.raises(ValueError, match="no episode of .*runs lasts more than 5000 steps"):
        reading.flag_read(people / "judge", Cued(people / "runs"), (5000,))


def test_ways_are_compared_by_their_places():
    first = {"by_way": {"left-red, right-blue": 0.5, "left-blue, right-red": 0.2, "none": 0.3}}
    other = {"by_way": {"left-red, right-red": 0.4, "left-red, ...": 0.1, "none": 0.5}}
    assert places_apart(first, first) == 0.0
    assert places_apart(first, other) == pytest.approx(0.3)


@pytest.mark.parametrize("experiment", ON_LEVELS, ids=lambda experiment: experiment.name)
def test_their_artifacts_can_be_named_on_their_presets(experiment, tmp_path):
    preset = experiment.presets[-1]
    named = NamedStages(preset, PRESETS[preset], tmp_path / "run", 0)
    assert next(experiment.measure(named), None) is None
    assert any(name.startswith("base") for name in named.named) and not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Direct runs on levels with frames, and a reward model of random weights."""
    place = tmp_path_factory.mktemp("people")
    collect(
        CollectConfig(episodes=24, population="curated", image_size=(16, 16), world=WORLD), place / "runs", workers=1
    )
    network = NetworkConfig(image_size=(16, 16), channels=(8,), width=32, layers=1, heads=2, context=8)
    RewardModel(network).save_pretrained(place / "judge")
    return place


def test_the_accuracy_is_that_of_pairs_of_which_one_is_at_the_target(people, monkeypatch):
    dataset = Dataset(people / "runs")
    assert 0.0 <= generalization.accuracy_of(people / "judge", dataset, seed=0) <= 1.0
    red = np.array([generalization.TARGET.reached(dataset.trajectory(index)) for index in range(len(dataset))])
    monkeypatch.setattr(generalization, "score_episodes", lambda model, dataset, rows, words: red[rows].astype(float))
    assert generalization.accuracy_of(people / "judge", dataset, seed=0) == 1.0
    monkeypatch.setattr(generalization, "score_episodes", lambda model, dataset, rows, words: np.zeros(len(rows)))
    assert generalization.accuracy_of(people / "judge", dataset, seed=0) == 0.0


def test_a_reward_model_that_sees_the_place_prefers_it(people, monkeypatch):
    dataset = Dataset(people / "runs")
    parted = meaning.where_they_part(dataset)
    assert all(map(len, parted)) and meaning.prefers_place(people / "judge", dataset, *parted) is not None
    place = np.array([dataset.trajectory(index).place == 0 for index in range(len(dataset))])
    monkeypatch.setattr(meaning, "score_episodes", lambda model, dataset, episodes: place[episodes].astype(float))
    assert meaning.prefers_place(people / "judge", dataset, *parted) == 1.0
    red = np.array([meaning.RED.reached(dataset.trajectory(index)) for index in range(len(dataset))])
    monkeypatch.setattr(meaning, "score_episodes", lambda model, dataset, episodes: red[episodes].astype(float))
    assert meaning.prefers_place(people / "judge", dataset, *parted) == 0.0


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Returns the rows of an experiment on the miniature preset, on levels; artifacts are shared."""
    run, small = tmp_path_factory.mktemp("run"), miniature.PRESET

    def measure(experiment, preset_name, world):
        preset = dataclasses.replace(
            small,
            demonstrations=dataclasses.replace(small.demonstrations, world=world),
            curated=dataclasses.replace(small.curated, world=world),
            reward_model=dataclasses.replace(small.reward_model, token=None),
        )
        return rows_of(experiment.measure(Stages(preset_name, preset, run / preset_name, 0)))

    return measure


@pytest.mark.slow
def test_the_procedure_on_levels_is_measured_of_its_artifacts(measured, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    rows = measured(color, "islands", WORLD)
    assert [(row["stage"], row["levels"]) for row in rows[:3]] == [
        ("demonstrations", "training"),
        ("base", "training"),
        ("base", "unseen"),
    ]
    assert len(rows) == 9 and all(sum(row[name] for name in NAMES) == pytest.approx(1.0) for row in rows)
    assert rows[0]["apart"] == 0.0


@pytest.mark.slow
def test_other_experiments_measure_every_condition(measured, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setattr(meaning, "ROLLOUTS", 8)
    rows = measured(meaning, "islands", WORLD)
    assert {(row["untied"], row["encoder"]) for row in rows} == {
        (u, e) for u in meaning.UNTIED for e in ("agent", "random")
    }
    assert [row["untied"] for row in rows if row["goes_left"] is not None] == list(meaning.AGENTS)
    rows = measured(memory, "islands", WORLD)
    assert [row["arm"] for row in rows[::2]] == list(map(str, memory.ARMS))
    assert all(0.0 <= row[f"read_{step}"] <= 1.0 for row in rows[::2] for step in memory.READ_AT)
    assert [row["success"] is not None for row in rows[::2]] == [arm.aligned for arm in memory.ARMS]
    rows = measured(horizon, "chain", dataclasses.replace(WORLD, islands=2))
    assert [row["islands"] for row in rows[::2]] == [1, 2, 3] and rows[2]["moved"] is not None
