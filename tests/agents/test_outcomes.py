import json
import math

import numpy as np
import pytest

from agents.outcomes import NAMES, outcome_misfit, paths, summarize, table, total_variation, wilson_interval


def test_wilson_interval_against_its_definition():
    # The ends are the shares whose distance to the observed one is 1.96 of their own standard deviations.
    for successes, trials in ((0, 20), (3, 20), (980, 1000), (20, 20)):
        for end in wilson_interval(successes, trials):
            distance = abs(successes / trials - end)
            assert distance == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / trials), abs=1e-6)


def test_wilson_interval_holds_its_share_whatever_is_rounded():
    for trials in range(1, 60):
        for successes in range(trials + 1):
            low, high = wilson_interval(successes, trials)
            assert 0.0 <= low <= successes / trials <= high <= 1.0


def test_wilson_interval_covers_about_95_percent():
    random = np.random.default_rng(0)
    for share in (0.02, 0.3, 0.98):
        seen = random.binomial(200, share, size=4000)
        covered = [low <= share <= high for low, high in (wilson_interval(int(s), 200) for s in seen)]
        assert 0.92 < np.mean(covered) < 0.985


def test_summary_counts_every_episode_once():
    outcome = summarize([-1, 0, 0, 2, 1, -1, 2, 2], [100] * 4 + [50] * 4)
    assert [outcome[name] for name in NAMES] == [0.25, 0.25, 0.125, 0.375]
    assert outcome["episodes"] == 8 and outcome["mean_seconds"] == pytest.approx(7.5)
    assert all(low <= outcome[name] <= high for name, (low, high) in outcome["ci95"].items())


@pytest.mark.parametrize("pads", [[], [3], [-2, 0]])
def test_summary_refuses_what_is_no_outcome(pads):
    with pytest.raises(ValueError, match="pads"):
        summarize(pads, [1] * len(pads))


def test_total_variation():
    left, right = summarize([0] * 4, [1] * 4), summarize([2] * 4, [1] * 4)
    assert total_variation(left, left) == 0.0 and total_variation(left, right) == 1.0
    assert total_variation(summarize([0, 0, 0, 2], [1] * 4), left) == pytest.approx(0.25)


def test_table_names_every_agent_and_column():
    text = table({"base": summarize([0, -1], [10, 10]), "finetuned": summarize([1, 1], [10, 10])})
    assert all(word in text for word in ("base", "finetuned", *NAMES)) and "50.0" in text and "100.0" in text


def test_paths_hold_every_step():
    from agents.population import HUMAN
    from agents.population.demonstrator import Crowd
    from agents.rollout import make_envs, rollout

    envs = make_envs(4, None)
    trajectories = list(rollout(envs, Crowd(HUMAN, 4), range(4)))
    envs.close()
    result = paths(trajectories)
    assert result["xy"].shape == (sum(map(len, trajectories)), 2) and result["xy"].dtype == np.float32
    assert np.allclose(result["xy"][: len(trajectories[0])], trajectories[0].states[:, :2], atol=1e-4)
    assert result["pads"].tolist() == [t.pad for t in trajectories]


GOOD = summarize([-1, 0, 0, 2, 1, -1, 2, 2], [100] * 8)
PROBED = {"probe": "pushes", "probed": 4, "recovered": 0.5, "recovered_ci95": [0.2, 0.8]}
PROBED |= {"recovered_at": {"left": 0.5, "middle": 0, "right": 0}}


def test_what_is_summarized_is_an_outcome():
    for pads in ([-1], [0] * 7, [0, 1, 2], [-1] * 999 + [2]):
        assert outcome_misfit(json.loads(json.dumps(summarize(pads, [1] * len(pads))))) is None
    assert outcome_misfit({**GOOD, **PROBED, "more": "text"}) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"episodes": -5}, "episodes is -5, not an integer from 1"),
        ({"episodes": True}, "episodes is True, not an integer"),
        ({"left": 1.8}, "left is 1.8, not a number from 0 to 1"),
        ({"left": 0.9}, "none, left, middle, right add up to 1.65, not 1"),
        ({"none": None}, "none is null, not a number"),
        ({"mean_seconds": "long"}, "mean_seconds is 'long', not a number"),
        ({"ci95": dict.fromkeys(NAMES, 5)}, "ci95.none is 5, not a list"),
        ({"ci95": {**GOOD["ci95"], "right": [0.1]}}, "ci95.right is a list, not a list of 2"),
        ({"ci95": {**GOOD["ci95"], "right": [0.1, 1.1]}}, "ci95.right[1] is 1.1, not a number from 0 to 1"),
        ({"ci95": {**GOOD["ci95"], "right": [0.9, 0.1]}}, "ci95.right is 0.9 to 0.1, without 0.375"),
        ({"ci95": {**GOOD["ci95"], "right": [0.5, 0.6]}}, "ci95.right is 0.5 to 0.6, without 0.375"),
        ({"ci95": {}}, "ci95.left is missing"),
        ({**PROBED, "recovered_at": {}}, "recovered_at.left is missing"),
        ({"probe": "pushes"}, "probed is missing"),
    ],
)
def test_what_is_no_outcome_is_said(changes, said):
    assert (outcome_misfit({**GOOD, **changes}) or "").startswith(said)
    assert (outcome_misfit({**GOOD, **changes}, "base") or "").startswith(f"base.{said}")
    assert outcome_misfit([]) == "it is a list, not an object"
