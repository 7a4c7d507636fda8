"""Comparisons: common episodes, honest intervals, and one table."""

import csv
import io
import json
import shutil

import numpy as np
import pytest
from scipy import stats

from baselines import artifact
from baselines.compare.compare import OWN, compare, compare_measures, paired_means, paired_shares
from baselines.evaluate import EvaluateConfig
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy

TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


def answered(capsys, *agents, **options):
    compare(agents, options.pop("config", EvaluateConfig(episodes=8)), as_json=True, **options)
    return json.loads(capsys.readouterr().out)["rows"]


def make_agent(directory, target):
    with artifact.begin(directory, kind="policy", config={"target": target}, seed=0, inputs={}) as work:
        Policy.initialize(TINY, seed=0).save_pretrained(work.directory)
    return str(directory)


def test_an_agent_under_another_name_differs_in_nothing(tmp_path, capsys):
    agent = make_agent(tmp_path / "agent", "left")
    shutil.copytree(agent, tmp_path / "elsewhere" / "mine")
    rows = answered(capsys, agent, str(tmp_path / "elsewhere" / "mine"))
    assert rows[0]["measure"] == OWN and rows[0]["difference"] is None
    first, other = rows[::2], rows[1::2]
    assert [row["mean"] for row in first] == [row["mean"] for row in other]
    assert all(row["difference"] == 0 and row["p"] == 1 and row["pairs"] == 8 for row in other)
    assert [row["measure"] for row in first] == [
        *(OWN, "any pad", "none", "left", "middle", "right", "camera", "stick", "speed")
    ]


def test_everybody_has_an_own_pad_and_differs_from_the_first(capsys):
    rows = answered(capsys, "direct_left", "direct_right", target="left", config=EvaluateConfig(episodes=12))
    (left, right), gap = [row for row in rows if row["measure"] == OWN], rows[1]
    assert left["mean"] > 0.8 and right["mean"] < 0.2 and left["target"] == "left"
    assert gap["difference"] == pytest.approx(right["mean"] - left["mean"]) and gap["p"] < 0.01
    assert -1 <= gap["difference_low"] <= gap["difference"] < gap["difference_high"] < -0.3


def test_under_a_probe_only_episodes_count_in_which_it_took_effect(capsys):
    config = EvaluateConfig(episodes=12, probe="forced_miss")
    rows = answered(capsys, "direct_left", "idle", "direct_right", config=config)
    assert {row["agent"] for row in rows} == {"direct_left", "direct_right"}, "who idles never misses"
    for row in rows:
        assert 1 <= row["episodes"] <= 12 and (row["pairs"] is None or row["pairs"] <= row["episodes"])


def test_the_interval_of_a_paired_difference_covers_it():
    random, inside = np.random.default_rng(0), 0
    for _ in range(2000):
        first = random.random(60) < 0.9
        other = np.where(random.random(60) < 0.7, first, random.random(60) < 0.6)  # truly 0.3 * (0.6 - 0.9) apart
        gap, low, high, _ = paired_shares(first.astype(float), other.astype(float))
        assert low <= gap <= high
        inside += low <= 0.3 * (0.6 - 0.9) <= high
    assert abs(inside / 2000 - 0.95) < 0.02


def test_the_tests_are_mcnemars_and_students():
    first = np.array([1.0] * 9 + [0.0] * 2 + [1.0] * 5)
    other = np.array([0.0] * 9 + [1.0] * 2 + [1.0] * 5)
    assert paired_shares(first, other)[3] == pytest.approx(2 * sum([1, 11, 55]) / 2**11)
    assert paired_shares(first, first)[::3] == (0.0, 1.0)
    x, y = np.random.default_rng(1).normal(size=(2, 20))
    gap, low, high, p = paired_means(x, y)
    expected = stats.ttest_rel(y, x)
    assert p == pytest.approx(expected.pvalue) and gap == pytest.approx((y - x).mean())
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))
    assert paired_means(x, x)[3] == 1.0 and paired_means(x, x + 1.0)[0] == pytest.approx(1.0)


def test_episodes_that_do_not_count_for_both_are_no_pairs():
    none = float("nan")
    agents = [("a", "left", {OWN: np.array([1.0, 0.0, none])}), ("b", "left", {OWN: np.array([1.0, none, 0.0])})]
    first, other = compare_measures(agents)
    assert (first.mean, first.episodes, other.mean, other.episodes) == (0.5, 2, 0.5, 2)
    assert (other.difference, other.pairs) == (0.0, 1)
    nobody = [("a", "left", {OWN: np.full(2, none)}), ("b", "left", {OWN: np.array([1.0, 0.0])})]
    (alone,) = compare_measures(nobody)
    assert alone.agent == "b" and alone.difference is None and alone.p is None


def test_table_and_csv_say_the_same(capsys):
    compare(("direct_left", "idle"), EvaluateConfig(episodes=6), target="left", as_csv=True)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    compare(("direct_left", "idle"), EvaluateConfig(episodes=6), target="left")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(rows) and lines[1].startswith("own pad  direct_left")
    for row, line in zip(rows, lines[1:], strict=True):
        mean = float(row["mean"])
        share = row["measure"] not in ("camera", "stick", "speed")
        assert (f"{100 * mean:.1f} [" if share else f"{mean:.3f} [") in line and row["agent"] in line
    assert "-100.0 [" in lines[2]


@pytest.mark.parametrize(
    ("agents", "options", "said"),
    [
        (("human",), {}, "at least two agents, got 1; see baselines.evaluate"),
        (("human", "nobody"), {}, "nobody is neither a directory nor a scripted population"),
        (("human", "idle"), {"as_json": True, "as_csv": True}, "exclude each other"),
        (("human", "idle"), {"labels": ("wind",)}, "label 'wind' is unknown"),
    ],
)
def test_mistakes_are_found_before_anybody_plays(monkeypatch, agents, options, said):
    monkeypatch.setattr("baselines.compare.compare.play_seeds", lambda *_: pytest.fail("somebody plays"))
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        compare(agents, EvaluateConfig(episodes=4), **options)
