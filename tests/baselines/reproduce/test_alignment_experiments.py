"""Figures, tables and claims of the experiments about alignment, from rows with known answers."""

import numpy as np
import pytest

from baselines.laboratory.statistics import FEWEST
from baselines.reproduce.alignment import (
    alignment_curves,
    base_directly,
    over_optimization,
    realignment,
    recovery,
    trained_weights,
)
from baselines.reproduce.rewards import label_noise, random_reward
from tests.baselines.reproduce.shown import answers, cells, words_of

SEEDS = (0, 1, 2)
WOBBLE = (-0.004, 0.001, 0.003)
"""Of a share, by seed: enough for tests to have a variance, too little to hide a difference of points."""


def near(share, seed):
    return min(1.0, max(0.0, share + WOBBLE[seed % 3]))


def ends(target, share, episodes=500):
    others = [name for name in ("none", "left", "middle", "right") if name != target]
    return {"episodes": episodes, target: share, **dict.fromkeys(others, (1 - share) / 3), "mean_seconds": 5.5}


def miss(share, probed=200):
    return {"forced_miss": share, "forced_miss_at_target": 0.8 * share, "forced_miss_probed": probed}


def rise(first, last, updates=20):
    return [float(share) for share in np.linspace(first, last, updates)]


def curves_rows(seeds=SEEDS, quick=10, slow=16):
    """Success is 0 before an update and 1 from it on."""
    conditions = {
        ("left", 500, "preference_finetuned"): (quick, 0.987),
        ("left", 500, "finetuned"): (slow, 0.985),
        ("right", 500, "preference_finetuned"): (quick, 0.93),
        ("right", 500, "finetuned"): (slow, 0.98),
        ("left", 20, "preference_finetuned"): (99, 0.7),
    }
    rows = []
    for seed in seeds:
        for (target, comparisons, start), (update, final) in conditions.items():
            for index in range(24):
                row = {"seed": seed, "target": target, "comparisons": comparisons, "start": start, "accuracy": 0.99}
                row |= {"episodes": 64 * (index + 1), "success": float(index >= update + seed % 2), "reward": 1.0}
                rows.append({**row, "seconds": 2.0 * (index + 1), "final": near(final, seed)})
    return rows


def base_rows(seeds=SEEDS, direct=0.5, usual=0.987):
    agents = {"base": (0.2, 0.8, []), "base, aligned": (direct, 0.4, rise(0.2, direct)), "all steps": (usual, 0.05, [])}
    agents["all steps"] = (usual, 0.05, rise(0.8, usual))
    return [
        {"seed": seed, "agent": agent, **ends("left", near(left, seed)), **miss(near(back, seed)), "curve": curve}
        for seed in seeds
        for agent, (left, back, curve) in agents.items()
    ]


def encoder_rows(seeds=SEEDS, agent=0.99, random=0.9):
    encoders = {"agent": agent, "random": random, "random, five times longer": random}
    return [
        {
            "seed": seed,
            "encoder": encoder,
            "accuracy": near(share, seed + index),
            **ends("left", near(share, seed + index)),
        }
        | {"curve": rise(0.5, share)}
        for seed in seeds
        for index, (encoder, share) in enumerate(encoders.items())
    ]


def trained_rows(seeds=SEEDS, head=0.9, everything=0.99):
    parts = {"all": (everything, 0.05), "adapters": (0.985, 0.05), "head": (head, 0.3)}
    return [
        {"seed": seed, "trained": part, **ends("left", near(left, seed + index)), **miss(near(back, seed)), "kl": 0.25}
        | {"curve": rise(0.7, left)}
        for seed in seeds
        for index, (part, (left, back)) in enumerate(parts.items())
    ]


def recovery_rows(seeds=SEEDS, aligned=0.05, mixed=(0.985, 0.65)):
    agents = {
        ("all weights", "base"): (0.2, 0.8),
        ("all weights", "finetuned"): (0.33, 0.45),
        ("all weights", "preference_finetuned"): (0.85, 0.22),
        ("all weights", "aligned"): (0.992, aligned),
        ("adapters", "aligned"): (0.99, aligned),
        ("returns mixed in", "finetuned"): (0.3, 0.75),
        ("returns mixed in", "aligned"): mixed,
    }
    rows = []
    for seed in seeds:
        for index, ((method, stage), (left, back)) in enumerate(agents.items()):
            shares = {**ends("left", near(left, seed)), **miss(near(back, seed + index), 200 + index)}
            shares |= {"odd_start": 0.5, "odd_start_at_target": near(0.3, seed + index), "odd_start_probed": 256}
            if stage in ("base", "finetuned"):
                shares["forced_miss_at_target"] = shares["odd_start_at_target"] = None
            rows.append({"seed": seed, "method": method, "stage": stage, **shares})
    return rows


def long_rows(seeds=SEEDS, fall=0.3):
    rows, usual = [], 30 // over_optimization.LONGER
    for seed in seeds:
        for way, lost in {"all comparisons": 0.0, "20 comparisons, no KL": fall}.items():
            for update in range(30):
                success = near(0.95 - lost * max(0, update - usual + 1) / (30 - usual), seed)
                score = {"reward": 1.0 + 0.05 * update + WOBBLE[seed], "success": success, "entropy": 1.0}
                rows.append({"seed": seed, "way": way, "episodes": 64 * (update + 1), **score, "kl": None})
    return rows


def noise_rows(seeds=SEEDS, worst=0.7):
    levels = {0.0: (0.99, 0.98), 0.1: (0.98, None), 0.2: (0.97, 0.975), 0.4: (worst, worst)}
    return [
        {"seed": seed, "noise": noise, "accuracy": near(accuracy, seed + index)}
        | {"success": None if success is None else near(success, seed + index)}
        | {"episodes": None if success is None else 500}
        for seed in seeds
        for index, (noise, (accuracy, success)) in enumerate(levels.items())
    ]


def start_rows(seeds=SEEDS, again=0.6):
    starts = {"preference_finetuned": 0.998, "finetuned": 0.97, "aligned left": again}
    return [
        {"seed": seed, "start": start, **ends("right", near(share, seed + index)), "curve": rise(0.1, share)}
        for seed in seeds
        for index, (start, share) in enumerate(starts.items())
    ]


CASES = {
    "alignment_curves": (alignment_curves, curves_rows, "start", "1,536 training episodes each"),
    "base_directly": (base_directly, base_rows, "agent", "500 episodes each; 200 forced misses each"),
    "random_reward": (random_reward, encoder_rows, "encoder", "500 episodes each"),
    "trained_weights": (trained_weights, trained_rows, "trained", "500 episodes each; 200 forced misses each"),
    "recovery": (recovery, recovery_rows, "method", "500 episodes each; 200 to 206 forced misses each"),
    "over_optimization": (over_optimization, long_rows, "way", "1,920 training episodes each"),
    "label_noise": (label_noise, noise_rows, "noise", "500 episodes each"),
    "realignment": (realignment, start_rows, "start", "500 episodes each"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", [(1,), (0, 1)], ids=["one seed", "two seeds"])
def test_figures_say_units_and_numbers(name, seeds):
    module, make_rows, _, size = CASES[name]
    words = words_of(module.EXPERIMENT.draw(make_rows(seeds)))
    assert f"{len(seeds)} seed{'' if len(seeds) == 1 else 's'}, {size}" in words
    assert ("too few seeds for intervals" if len(seeds) < FEWEST else "intervals: 95% over") in words
    assert "100%" in words and "episodes" in words


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_missing_condition_leaves_the_rest(name):
    module, make_rows, key, _ = CASES[name]
    rows = make_rows()
    values = list(dict.fromkeys(row[key] for row in rows))
    missing = [[row for row in rows if row[key] != value] for value in values]
    missing.append([row for row in rows if row[key] != values[0] or row["seed"] > 0])  # in one seed only
    whole = cells(module, rows)
    for some in missing[:-1]:
        found = cells(module, some)
        assert found.items() < whole.items(), "what is measured of the rest does not change"
        assert len(answers(module, some)) == len(answers(module, rows)) and words_of(module.EXPERIMENT.draw(some))
    assert cells(module, missing[-1]).keys() == whole.keys() and words_of(module.EXPERIMENT.draw(missing[-1]))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", [(1,), (0, 1)], ids=["one seed", "two seeds"])
def test_few_seeds_decide_nothing(name, seeds):
    module, make_rows, _, _ = CASES[name]
    assert set(answers(module, make_rows(seeds))) == {"not tested"}
    assert not any("±" in text for text in cells(module, make_rows(seeds)).values())


def test_a_level_is_reached_by_the_mean_of_five_updates():
    training = [row for row in curves_rows((0,)) if (row["target"], row["start"]) == ("left", "finetuned")]
    # Success is 1 from the 17th update on: 90 to 100% of five in a row are the 17th to the 21st.
    assert alignment_curves.reached(training, 0.98) == 21 * 64
    assert alignment_curves.reached(training, 0.8) == 20 * 64
    assert alignment_curves.reached(training[:20], 0.98) is None
    assert alignment_curves.reached(training[:4], 0.0) is None


def test_what_preference_finetuning_saves_is_counted():
    assert answers(alignment_curves, curves_rows())[0] == "confirmed"
    found = cells(alignment_curves, curves_rows())
    left = alignment_curves.condition("left", 500, "preference_finetuned")
    assert found[left, alignment_curves.EPISODES.format(0.9)] == "981 ± 92"
    assert found[left, alignment_curves.FINAL] == "98.7 ± 0.9"
    assert answers(alignment_curves, curves_rows(quick=16, slow=10))[0] == "refuted"
    assert answers(alignment_curves, curves_rows(slow=99))[0] == "not tested", "one of them never got there"
    assert "98.7% left, 99.8% right" in words_of(alignment_curves.draw(curves_rows()))


def test_base_directly_is_judged_from_both_sides():
    assert answers(base_directly, base_rows()) == ["confirmed", "confirmed"]
    assert answers(base_directly, base_rows(direct=0.1, usual=0.05)) == ["refuted", "refuted"]


def test_encoders_are_judged_from_both_sides():
    assert answers(random_reward, encoder_rows()) == ["confirmed", "confirmed"]
    assert answers(random_reward, encoder_rows(agent=0.9, random=0.99)) == ["refuted", "refuted"]
    assert answers(random_reward, encoder_rows(agent=0.95, random=0.95)) == ["inconclusive", "inconclusive"]


def test_what_is_trained_is_judged_from_both_sides():
    assert answers(trained_weights, trained_rows()) == ["refuted", "confirmed"]
    assert answers(trained_weights, trained_rows(head=0.995))[0] == "confirmed"
    assert cells(trained_weights, trained_rows())["the action head", trained_weights.RETURNS] == "24.0 ± 0.7"


def test_the_tax_and_what_preserves_returns_are_judged_at_the_agents_own_pad():
    # Base and fine-tuned agents have no own pad; 22% of preference fine-tuned returns are 17.6% at the own pad.
    found = cells(recovery, recovery_rows())
    assert ("Base", recovery.RETURNS) not in found and found["Base", recovery.ANY] == "80.0 ± 0.9"
    assert found["Preference fine-tuned", recovery.RETURNS] == "17.6 ± 0.7"
    tax, kept, _, goal, _ = answers(recovery, recovery_rows())
    assert (tax, kept, goal) == ("confirmed", "confirmed", "refuted")  # 0.8 * 65% is less than 60%
    assert answers(recovery, recovery_rows(mixed=(0.992, 0.9)))[3] == "confirmed"
    tax, kept, *_ = answers(recovery, recovery_rows(aligned=0.9, mixed=(0.9, 0.5)))
    assert (tax, kept) == ("refuted", "refuted")


def test_sliding_into_another_pad_is_no_return():
    rows = recovery_rows(mixed=(0.99, 0.95))
    for row in rows:
        if row["method"] == "returns mixed in" and row["stage"] == "aligned":
            row["forced_miss_at_target"] = 0.0
    assert answers(recovery, rows)[3] == "refuted"


def test_every_method_has_a_line_in_the_figure_of_the_tax():
    more = [
        {**row, "method": f"method {n}"} for n in range(12) for row in recovery_rows() if row["method"] == "adapters"
    ]
    figure = recovery.EXPERIMENT.draw(recovery_rows() + more)
    words = words_of(figure)
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [name for name in named if "method" in name] == [f"method {n}" for n in range(12)]
    assert "goes left (goal: 98%)" in words and "returns to the left pad (goal: 60%)" in words


def test_over_optimization_is_seen_only_where_success_falls():
    assert answers(over_optimization, long_rows()) == ["confirmed"]
    assert answers(over_optimization, long_rows(fall=-0.03)) == ["refuted"]
    found = cells(over_optimization, long_rows())
    assert found["20 comparisons, no KL, 2 times as long", over_optimization.SUCCESS] == "69.0 ± 0.9"


def test_noise_is_judged_from_both_sides_and_a_lost_seed_is_counted():
    assert answers(label_noise, noise_rows()) == ["confirmed", "refuted"]
    assert answers(label_noise, noise_rows(worst=0.99)) == ["confirmed", "confirmed"]
    fallen = [row | ({"success": 0.0} if (row["noise"], row["seed"]) == (0.4, 1) else {}) for row in noise_rows()]
    assert cells(label_noise, fallen)[label_noise.condition(0.4), label_noise.SUCCESS].startswith("2 of 3 (0.0")
    assert "2 of 3" in words_of(label_noise.draw(fallen))


def test_realignment_is_judged_from_both_sides():
    assert answers(realignment, start_rows()) == ["confirmed"]
    assert answers(realignment, start_rows(again=0.997)) == ["inconclusive"]
    rows = start_rows()
    for row in rows:
        if row["start"] == "aligned left":
            row |= {"left": 0.99, "right": 0.01} if row["seed"] < 2 else {"left": 0.01, "right": 0.99}
    assert cells(realignment, rows)[realignment.condition("aligned left"), realignment.RIGHT].startswith("1 of 3 (1.0")
    assert answers(realignment, rows) == ["inconclusive"], "Fisher's exact test on 1 of 3 against 3 of 3"
