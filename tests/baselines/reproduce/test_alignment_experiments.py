"""Figures and findings of the experiments about alignment, from rows with known answers."""

import re

import numpy as np
import pytest
from matplotlib.text import Text

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


def words_of(figure):
    """Draws a figure and returns all that is written in it, a text a line."""
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_text())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", [(1,), (0, 1)], ids=["one seed", "two seeds"])
def test_figures_say_units_and_numbers(name, seeds):
    module, make_rows, _, size = CASES[name]
    words = words_of(module.EXPERIMENT.draw(make_rows(seeds)))
    assert f"{len(seeds)} seed{'' if len(seeds) == 1 else 's'}, {size}" in words
    assert ("too few seeds for intervals" if len(seeds) < FEWEST else "intervals: 95% over") in words
    assert "100%" in words and re.search(r"episodes|comes back", words)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_missing_condition_leaves_the_rest(name):
    module, make_rows, key, _ = CASES[name]
    rows = make_rows()
    values = list(dict.fromkeys(row[key] for row in rows))
    missing = [[row for row in rows if row[key] != value] for value in values]
    missing.append([row for row in rows if row[key] != values[0] or row["seed"] > 0])  # in one seed only
    for some in missing:
        module.EXPERIMENT.draw(some).draw_without_rendering()
        assert module.EXPERIMENT.find(some)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seeds", [(1,), (0, 1)], ids=["one seed", "two seeds"])
def test_few_seeds_judge_nothing(name, seeds):
    module, make_rows, _, _ = CASES[name]
    found = module.EXPERIMENT.find(make_rows(seeds))
    assert "±" not in found and not re.search(r"\bp [=<]", found)
    assert not re.search(r"agrees with|lies (above|below)|difference can be told|is seen|is real|significant", found)


def test_a_level_is_reached_by_the_mean_of_five_updates():
    training = [row for row in curves_rows((0,)) if (row["target"], row["start"]) == ("left", "finetuned")]
    # Success is 1 from the 17th update on: 90 to 100% of five in a row are the 17th to the 21st.
    assert alignment_curves.reached(training, 0.98) == (21 * 64, 21 * 2.0)
    assert alignment_curves.reached(training, 0.8) == (20 * 64, 20 * 2.0)
    assert alignment_curves.reached(training[:20], 0.98) is None
    assert alignment_curves.reached(training[:4], 0.0) is None


def test_what_preference_finetuning_saves_is_counted():
    found = alignment_curves.find(curves_rows())
    assert "with preference fine-tuning by 3 of 3 seeds after 981 ± 92 episodes (31 s)" in found
    assert "a change of -384 episodes where both did (p < 0.001): as the paper claims, it makes" in found
    assert "**98.7 ± 0.9%**, which agrees with the paper's 98.7%" in found
    assert "**93.0 ± 0.9%**, which lies 6.8 points below the paper's 99.8%" in found
    assert "of 20 comparisons" in found and "-28.7 ± 0.0 points, p < 0.001: worse" in found
    assert "it costs episodes, against the paper's claim" in alignment_curves.find(curves_rows(quick=16, slow=10))
    assert "by 0 of 3 seeds; how much it saves can't be compared" in alignment_curves.find(curves_rows(slow=99))
    words = words_of(alignment_curves.draw(curves_rows()))
    assert "981" in words and "never" in words and "98.7% left, 99.8% right" in words


def test_base_directly_is_judged_from_both_sides():
    found = base_directly.find(base_rows())
    assert "goes left in **50.0 ± 0.9%**" in found and "-48.7 ± 0.0 points, p < 0.001: the steps in between" in found
    assert "+30.0 ± 0.0 points, p < 0.001: alignment alone does something" in found
    assert "it forgets less" in found and "agrees with the paper's 98.7%" in found
    found = base_directly.find(base_rows(direct=0.1, usual=0.05))
    assert "does harm" in found and "is not needed" in found and "points below the paper's 98.7%" in found


def test_encoders_are_judged_from_both_sides():
    found = random_reward.find(encoder_rows())
    assert found.count("the agent's is better, as in the paper") == 2 and "far above chance" in found
    assert "the agent's is worse, against the paper" in random_reward.find(encoder_rows(agent=0.9, random=0.99))
    assert "no difference can be told" in random_reward.find(encoder_rows(agent=0.95, random=0.95))
    assert "below chance" in random_reward.find(encoder_rows(random=0.33))


def test_what_is_trained_is_judged_from_both_sides():
    found = trained_weights.find(trained_rows())
    assert "Training the action head, the agent goes left in **90.0 ± 0.9%**" in found and "0.25 nats" in found
    assert (
        "in success: -9.0" in found and "worse; in coming back: +25.0 ± 0.0 points, p < 0.001: it forgets less" in found
    )
    assert ": better; in coming back" in trained_weights.find(trained_rows(head=0.99, everything=0.9))


def test_the_tax_and_what_keeps_recovery_are_judged_from_both_sides():
    found = recovery.find(recovery_rows())
    assert "80.0 ± 0.9% (base), 45.0 ± 0.9% (fine-tuned)" in found and "**the alignment tax** is real" in found
    assert "*returns mixed in* 65.0 ± 0.9% come back (52.0 ± 0.7% to the left), 98.5 ± 0.9% go left" in found
    assert "the left pad is reached by *all weights* 30.0 ± 0.9%, *adapters* 30.0 ± 0.9%" in found
    assert "more is kept by *returns mixed in*." in found and "can be told for *adapters*" in found
    assert "is **reached** by *returns mixed in*" in found and "both intervals lie in it" not in found
    found = recovery.find(recovery_rows(aligned=0.9, mixed=(0.9, 0.5)))
    assert "alignment pays no tax here" in found and "less is kept by *returns mixed in*" in found
    assert (
        re.search(r"significantly lower with .*\*returns mixed in\*\. The goal", found)
        and "reached** by *all weights*" in found
    )
    found = recovery.find(recovery_rows(mixed=(0.95, 0.7)))
    assert "is reached by **none**" in found and "go left often enough, *all weights* keeps most" in found
    assert "come back often enough, *returns mixed in* goes left most" in found


def test_every_method_is_named_in_the_figure_of_the_tax():
    more = [
        {**row, "method": f"method {n}"} for n in range(12) for row in recovery_rows() if row["method"] == "adapters"
    ]
    figure = recovery.EXPERIMENT.draw(recovery_rows() + more)
    words = words_of(figure)
    assert all(words.count(f"\nmethod {n}\n") == 2 for n in range(12)) and "goal: 98% left" in words
    labels = [text for text in figure.axes[0].texts if text.get_text().startswith("method")]
    boxes = sorted((Text.get_window_extent(label) for label in labels), key=lambda box: box.y0)
    assert all(one.y1 <= other.y0 + 1 for one, other in zip(boxes, boxes[1:], strict=False)), "labels overlap"


def test_over_optimization_is_seen_only_where_success_falls():
    found = over_optimization.find(long_rows())
    assert "is seen with *20 comparisons, no KL*." in found and "all comparisons*: the score moves by +0.75" in found
    assert "from 95.0 ± 0.9% to **69.0 ± 0.9%**" in found
    assert "is seen in none" in over_optimization.find(long_rows(fall=-0.03))


def test_noise_is_judged_from_both_sides():
    found = label_noise.find(noise_rows())
    assert "70.0 ± 0.9% at 40%" in found and "p < 0.001: worse than without noise" in found
    assert "better than without noise" in label_noise.find(noise_rows(worst=1.0)) and "below half" not in found
    fallen = [row | ({"success": 0.0} if (row["noise"], row["seed"]) == (0.4, 1) else {}) for row in noise_rows()]
    assert label_noise.find(fallen).count("at 40%, below half with 1 of 3 seeds (") == 1
    assert "success" not in label_noise.find([{**row, "success": None} for row in noise_rows()])


def test_realignment_is_judged_from_both_sides():
    found = realignment.find(start_rows())
    assert "**60.0 ± 0.9%** right" in found and "stands in the second's way" in found
    assert "agrees with the paper's 99.8%" in found and "below half" not in found
    rows = start_rows()
    for row in rows:
        if row["start"] == "aligned left" and row["seed"] < 2:
            row |= {"left": 0.99, "right": 0.01}
    assert "** right, below half with 2 of 3 seeds." in realignment.find(rows)
    assert "no cost of the first alignment can be told" in realignment.find(start_rows(again=0.97))
    assert "helps the second" in realignment.find(start_rows(again=0.99))
