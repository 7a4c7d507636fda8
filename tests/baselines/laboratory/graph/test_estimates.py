"""How long a graph takes: closed forms of a small one, and corrections by what was made already."""

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest

from baselines.laboratory.graph import sizes
from baselines.laboratory.graph.estimates import SECONDS, START, critical_path, estimate, makespan
from baselines.laboratory.graph.nodes import build
from baselines.laboratory.graph.sizes import Stage, amounts, episodes_of, memory
from baselines.laboratory.graph.task import Task
from baselines.presets import PRESETS
from baselines.throughput import forward_flops, training_flops
from jumppad_env.files import MANIFEST

DIAMOND: list[Any] = [
    SimpleNamespace(name=name, needs=needs) for name, needs in zip("abcde", ["", "a", "a", "bc", ""], strict=True)
]
"""d needs b and c, which need a; e needs nothing."""
HOURS = {"a": 1.0, "b": 2.0, "c": 4.0, "d": 1.0, "e": 3.0}


@pytest.mark.parametrize(
    ("workers", "hours"),
    [
        (1, 11.0),
        (2, 8.0),  # a and e; b at 1 until 3; e ends at 3, c from 3 to 7; d
        (3, 6.0),  # a > c > d, beside b and e
        (64, 6.0),
    ],
)
def test_the_time_on_workers(workers, hours):
    assert makespan(DIAMOND, HOURS, workers) == hours


def test_the_order_of_nodes_decides_who_waits():
    nodes = [DIAMOND[0], DIAMOND[2], DIAMOND[1], DIAMOND[3], DIAMOND[4]]
    assert makespan(nodes, HOURS, 2) == 6, "c, the longest, begins at 1, and b waits for e"


def test_the_longest_chain():
    path = critical_path(DIAMOND, HOURS)
    assert [node.name for node in path] == ["a", "c", "d"]
    assert makespan(DIAMOND, HOURS, len(DIAMOND)) == sum(HOURS[node.name] for node in path)
    assert [node.name for node in critical_path(DIAMOND[1:3], HOURS)] == ["c"], "what is not in the graph is there"
    assert critical_path([], HOURS) == [] and makespan([], HOURS, 2) == 0


SMOKE = PRESETS["smoke"]
NETWORK = SMOKE.base.network


def test_amounts_are_those_of_the_settings(tmp_path):
    people, curated, both, agent, tuned = (tmp_path / name for name in ("people", "curated", "both", "agent", "tuned"))
    makers = {
        people: Stage("collect", {"config": SMOKE.demonstrations}),
        curated: Stage("collect", {"config": SMOKE.curated}),
        both: Stage("merge", {"directories": (people, curated)}),
        agent: Stage("pretrain", {"config": SMOKE.base, "demonstrations": both}),
        tuned: Stage("finetune", {"config": SMOKE.finetuned, "base": agent, "curated": curated, "mixed": people}),
    }
    assert episodes_of(both, makers) == 120 + 150
    assert amounts(makers[people], makers) == sizes.Amounts(collected=120)
    trained = amounts(makers[agent], makers)
    assert trained.trained == 150 * 8 and trained.training == pytest.approx(1200 * 85e-9 * training_flops(NETWORK, 85))
    assert amounts(makers[tuned], makers).trained == 200 * (8 + 4)
    aligned = amounts(Stage("align", {"config": SMOKE.aligned, "agent": tuned, "demonstrations": None}), makers)
    assert aligned.played == 8 * 32 and aligned.trained == pytest.approx(8 * 32 * (1 + 2 * sizes.SCORED))
    assert aligned.acting == pytest.approx(8 * 32 * 85e-9 * forward_flops(NETWORK, 85))
    disturbed = dataclasses.replace(SMOKE.evaluation, probe="forced_miss")
    evaluations = [Stage("evaluate", {"config": config, "agent": tuned}) for config in (SMOKE.evaluation, disturbed)]
    usual, longer = (amounts(stage, makers).played for stage in evaluations)
    assert (usual, longer) == (64, 64 * sizes.AWAY)
    assert amounts(Stage("of_mine", {"config": 5}), makers) == sizes.Amounts()


def test_memory_grows_with_the_network_and_the_batch(tmp_path):
    def needed(**changes):
        return memory(Stage("pretrain", {"config": dataclasses.replace(SMOKE.base, **changes)}), {})

    more = needed(batch_episodes=16) - needed()
    numbers = 16 * 2 * 64 + 8 * 8 * 16 + 4 * 4 * 32  # 16 of a block's width, and the encoder's maps
    assert more == 8 * 85 * 8 * numbers
    assert needed(network=dataclasses.replace(NETWORK, width=128)) > needed()
    assert memory(Stage("collect", {"config": SMOKE.demonstrations}), {}) == sizes.PROCESS


def test_what_was_made_corrects_the_estimates_of_its_kind(tmp_path):
    tasks = [Task("outcomes", "baselines.reproduce.outcomes", "smoke", seed, tmp_path) for seed in (0, 1)]
    nodes = build(tasks)
    before = estimate(nodes)
    assert before["seed-0/base"] == before["seed-1/base"] > START and before["rows/outcomes/seed-0.json"] == START
    assert before["seed-0/demonstrations"] == pytest.approx(START + 120 * SECONDS.collected)
    tasks[0].open()
    took = {"demonstrations": 100.0, "curated": 50.0, "base": 7.0}
    lines = [json.dumps({"stage": name, "seconds": seconds}) + "\n" for name, seconds in took.items()]
    (tmp_path / "seed-0" / "timings.jsonl").write_text("".join(lines))
    for name in ("demonstrations", "curated"):  # the base agent is unfinished
        (tmp_path / "seed-0" / name).mkdir()
        (tmp_path / "seed-0" / name / MANIFEST).touch()
    after = estimate(nodes)
    assert after["seed-0/demonstrations"] + after["seed-0/curated"] == pytest.approx(150)
    assert after["seed-1/demonstrations"] == after["seed-0/demonstrations"]
    assert after["seed-1/base"] == before["seed-1/base"]


def test_an_experiment_that_computes_takes_as_much_longer_as_its_networks(tmp_path):
    tasks = [
        Task("drift", "baselines.reproduce.alignment.drift", preset, 0, tmp_path, 10.0)
        for preset in ("smoke", "quick", "small", "paper")
    ]
    seconds = [estimate(build([task]))["rows/drift/seed-0.json"] for task in tasks]
    assert seconds[1] == START + 10 and sorted(seconds) == seconds
