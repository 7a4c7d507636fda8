"""Rows of known answers, with the keys that experiments measure, and what figures, tables and claims make of them."""

import numpy as np
import pytest

from agents.outcomes import NAMES
from baselines.laboratory.axes import listed
from baselines.reproduce import heat_maps, outcomes
from baselines.reproduce.alignment import drift, scratch_aligned
from baselines.reproduce.imitation import demonstrations_needed, scaling
from baselines.reproduce.rewards import reward_accuracy, reward_tuning
from tests.baselines.reproduce.shown import answers, cells, words_of

STAGES = [("base", ""), ("finetuned", "")] + [
    (stage, target) for target in ("left", "right") for stage in ("preference_finetuned", "aligned")
]
SHARES = {
    ("demonstrations", ""): (0.44, 0.12, 0.36, 0.08),
    ("base", ""): (0.42, 0.13, 0.37, 0.08),
    ("finetuned", ""): (0.06, 0.31, 0.36, 0.27),
    ("preference_finetuned", "left"): (0.04, 0.74, 0.16, 0.06),
    ("aligned", "left"): (0.004, 0.98, 0.012, 0.004),
    ("preference_finetuned", "right"): (0.05, 0.05, 0.20, 0.70),
    ("aligned", "right"): (0.012, 0.0, 0.028, 0.96),
}


def jitter(seed, *key):
    """The same small number for the same seed and key, -0.01 to 0.01."""
    return float(np.random.default_rng([seed, *map(ord, str(key))]).uniform(-0.01, 0.01))


def outcome_rows(seeds, shares=SHARES):
    rows = []
    for seed in range(seeds):
        for (stage, target), share in shares.items():
            moved = np.clip(np.array(share) + [jitter(seed, stage, target, i) for i in range(4)], 0, None)
            moved = moved / moved.sum()
            variation = 0.5 * float(np.abs(moved - SHARES["demonstrations", ""]).sum())
            rows.append({"seed": seed, "stage": stage, "target": target, "episodes": 500})
            rows[-1] |= {**dict(zip(NAMES, map(float, moved), strict=True)), "mean_seconds": 7.0}
            rows[-1]["total_variation_to_people"] = variation if stage != "demonstrations" else 0.0
    return rows


def heat_map_rows(seeds, widths=(12, 12, 5, 4, 2, 4, 2)):
    """Every agent fills a straight band up the map, so many squares wide."""
    rows = []
    for seed in range(seeds):
        for (stage, target), width in zip([("demonstrations", ""), *STAGES], widths, strict=True):
            cells = [[x, y, 50 + seed] for x in range(20, 20 + width) for y in range(20, 100) if (x, y) != (20, 50)]
            rows.append({"seed": seed, "stage": stage, "target": target, "episodes": 500})
            rows[-1] |= {"cell": heat_maps.CELL, "visits": cells}
    return rows


def accuracy_rows(seeds, gain=0.05, looks=("none", "high"), counts=(10, 50, 1000)):
    """The agent's encoder is better than random ones by a known number in every condition."""
    rows = []
    levels = {"finetuned": 0.80 + gain, "base": 0.80 + gain / 2, "random 0": 0.81, "random 1": 0.79}
    for seed in range(seeds):
        for variety in looks:
            for what in reward_accuracy.LABELS:
                for count in counts:
                    for encoder, level in levels.items():
                        for index in range(2):
                            accuracy = level + 0.03 * np.log10(count / 10) + jitter(seed, encoder[:6]) * 0.4
                            rows.append({"seed": seed, "variety": variety, "label": what, "comparisons": count})
                            rows[-1] |= {"encoder": encoder, "draw": index, "accuracy": float(accuracy)}
    return rows


def tuning_rows(seeds, agent=0.9, random=0.8, longer=0.85, base=0.6):
    """Validation likes 50 updates best among few; accuracy at 50 is as asked, and misleads elsewhere."""
    rows = []
    for seed in range(seeds):
        for what in ("pad", "camera"):
            for count in (10, 50, 500):
                for start, level in (("agent", agent), ("base", base), ("random", random)):
                    late = longer if start == "random" else 0.1
                    for updates, validation, accuracy in (
                        (10, 0.6, 0.2),
                        (25, 0.65, 0.99),
                        (50, 0.7, level),
                        (250, 0.75, late),
                    ):
                        rows.append({"seed": seed, "label": what, "comparisons": count, "start": start})
                        noise = jitter(seed, start, count)
                        rows[-1] |= {"updates": updates, "validation": validation, "accuracy": accuracy + noise}
    return rows


def drift_rows(seeds, aligned_bits=0.2):
    rows = []
    values = {"base": (1.7, 4.5, 0.0), "finetuned": (1.8, 2.5, 1.0), "preference_finetuned": (1.2, 2.4, 1.1)}
    for seed in range(seeds):
        for stage, target in STAGES:
            bits, nats, kl = values.get(stage, (aligned_bits, 2.0, 1.5))
            rows.append({"seed": seed, "stage": stage, "target": target})
            rows[-1] |= {
                "outcome_entropy_bits": bits + jitter(seed, stage, target),
                "entropy": nats + jitter(seed, stage),
            }
            rows[-1]["kl_from_base"] = kl and kl + jitter(seed, target, stage)
    return rows


def scaling_rows(seeds, better=1.0):
    rows = []
    axes = {"parameters": (2.1e5, 9.6e5, 4.1e6), "episodes": (250, 500, 1000, 2000), "context": (8, 32, 100)}
    for seed in range(seeds):
        for axis, values in axes.items():
            for index, value in enumerate(values):
                rows.append({"seed": seed, "axis": axis, "value": value, "parameters": 960_000})
                rows[-1] |= {
                    "episodes_seen": 2000,
                    "held_out_loss": 4.5 - better * 0.3 * index + jitter(seed, axis, index),
                }
                rows[-1]["total_variation_to_people"] = 0.3 - better * 0.05 * index + jitter(seed, index)
                rows[-1] |= {
                    "episodes": 500,
                    "mean_seconds": 8.0,
                    "none": 0.4,
                    "left": 0.2,
                    "middle": 0.3,
                    "right": 0.1,
                }
    return rows


def probed(seed, kinds, level, target):
    row = {}
    for kind in kinds:
        share = min(1.0, max(0.0, level[kind] + jitter(seed, kind, level[kind])))
        row |= {kind: share, f"{kind}_at_target": share - 0.01 if target else None, f"{kind}_probed": 256}
    return row


def demonstration_rows(seeds, pretrained=0.8, scratch=0.4):
    rows = []
    kinds = ("forced_miss", "odd_start")
    for seed in range(seeds):
        for index, count in enumerate((9, 30, 99, 300)):
            for start in demonstrations_needed.NAMED:
                level = pretrained if start.startswith("pre-trained") else scratch + 0.04 * index
                none = 0.2 - 0.04 * index + jitter(seed, start, count)
                rows.append({"seed": seed, "demonstrations": count, "start": start, "episodes": 500, "none": none})
                rows[-1] |= {"left": 0.3, "middle": 0.3, "right": 0.4 - none, "mean_seconds": 6.5}
                rows[-1] |= {**probed(seed, kinds, dict.fromkeys(kinds, level), None), "loss": 1.0}
    return rows


def scratch_rows(seeds, ours=0.6, other=0.2):
    rows = []
    kinds = ("forced_miss", "odd_start")
    for seed in range(seeds):
        for start, level in (("pre-trained", ours), ("from scratch", other)):
            left = 0.97 if start == "pre-trained" else 0.9
            rows.append(
                {"seed": seed, "start": start, "episodes": 500, "none": 0.01, "left": left + jitter(seed, start)}
            )
            rows[-1] |= {"middle": 0.01, "right": 0.01, "mean_seconds": 6.3}
            rows[-1] |= probed(seed, kinds, {"forced_miss": level, "odd_start": 0.7}, "left")
            rows[-1] |= {"accuracy": 0.95, "curve": [0.4 + 0.5 * u / 33 + jitter(seed, u) for u in range(34)]}
    return rows


CASES = [
    (outcomes, outcome_rows, ("stage", "aligned"), ("episodes", "500 episodes")),
    (heat_maps, heat_map_rows, ("stage", "aligned"), ("500 episodes", "share of episodes that visit")),
    (reward_accuracy, accuracy_rows, ("encoder", "finetuned"), ("training comparisons", "held-out accuracy", "paper")),
    (reward_tuning, tuning_rows, ("start", "random"), ("training comparisons", "held-out accuracy", "10, 25, 50, 250")),
    (drift, drift_rows, ("stage", "finetuned"), ("bits", "nats per step", "64 episodes")),
    (scaling, scaling_rows, ("axis", "episodes"), ("parameters", "nats per step", "500 episodes")),
    (
        demonstrations_needed,
        demonstration_rows,
        ("start", "from scratch"),
        ("demonstrations", "500 episodes each; 256 odd starts and 256 forced misses each"),
    ),
    (
        scratch_aligned,
        scratch_rows,
        ("start", "from scratch"),
        ("alignment update", "500 episodes each; 256 odd starts and 256 forced misses each"),
    ),
]
"""Experiment, its rows, a condition to leave out, and what its figure must say."""


@pytest.mark.parametrize(("module", "make", "missing", "said"), CASES, ids=lambda case: getattr(case, "__name__", None))
def test_figures_say_units_and_n_with_one_seed_with_more_and_with_a_condition_missing(module, make, missing, said):
    assert module.EXPERIMENT.name == module.__name__.rpartition(".")[2]
    key, value = missing
    for seeds, rows in ((1, make(1)), (3, make(3)), (3, [row for row in make(3) if row[key] != value])):
        figure = words_of(module.EXPERIMENT.draw(module.EXPERIMENT.condense(rows)))
        assert f"{seeds} seed" in figure
        missed = [words for words in said if words not in figure]
        assert len(rows) < len(make(seeds)) or not missed, f"the figure does not say {missed}"
        assert "nan" not in figure and not any("nan" in text for text in cells(module, rows).values())
        answers(module, rows)


@pytest.mark.parametrize(
    ("module", "make"), [case[:2] for case in CASES], ids=lambda case: getattr(case, "__name__", None)
)
def test_one_seed_decides_nothing(module, make):
    assert set(answers(module, make(1))) <= {"not tested"}
    assert not any("±" in text for text in cells(module, make(1)).values())


# Known answers, and the other side of each. ---------------------------------------------------------------------------


def test_bars_are_the_means_over_seeds_beside_the_papers():
    rows = outcome_rows(3)
    figure = outcomes.draw(rows)
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == "Aligned, left")
    mean = np.mean([row["left"] for row in rows if (row["stage"], row["target"]) == ("aligned", "left")])
    heights = [patch.get_height() for patch in axes.patches]  # pyright: ignore[reportAttributeAccessIssue]
    assert pytest.approx(mean) in heights and pytest.approx(0.987) in heights


def test_outcomes_are_compared_with_people_and_with_the_paper():
    assert answers(outcomes, outcome_rows(5)) == ["confirmed", "confirmed", "inconclusive", "refuted"]
    assert cells(outcomes, outcome_rows(5))["Aligned, left", "its own pad"].startswith("98.")
    other = {**SHARES, ("base", ""): (0.9, 0.04, 0.04, 0.02), ("finetuned", ""): (0.95, 0.02, 0.02, 0.01)}
    other |= {("aligned", "left"): (0.3, 0.6, 0.05, 0.05), ("aligned", "right"): (0.0, 0.0, 0.0, 1.0)}
    assert answers(outcomes, outcome_rows(5, other)) == ["refuted", "refuted", "refuted", "inconclusive"]


def test_sampling_alone_gives_the_variation_that_is_said():
    rows = outcome_rows(1)
    said = outcomes.chance_variation(rows[1:2], rows[:1])
    generator = np.random.default_rng(0)
    share = [rows[0][name] for name in NAMES]
    drawn = generator.multinomial(500, share, size=(2, 4000)) / 500
    assert said == pytest.approx(0.5 * np.abs(drawn[0] - drawn[1]).sum(axis=1).mean(), rel=0.03)


def test_condensed_visits_are_the_sum_over_seeds_and_smaller():
    rows = heat_map_rows(3)
    condensed = heat_maps.condense(rows)
    people = [row for row in rows if row["stage"] == "demonstrations"]
    total = sum(heat_maps.unpack(row["visits"]) for row in people)
    assert (heat_maps.unpack(condensed[0]["visits"]) == total).all() and np.asarray(total)[20, 20] == 153
    assert condensed[0]["episodes"] == 1500 and condensed[0]["seeds"] == 3 and "seed" not in condensed[0]
    assert len(str(condensed)) < 0.2 * len(str(rows))


def test_condensed_visits_hold_what_was_counted():
    visits = heat_maps.count_visits(np.array([[0.0, 0.0], [0.0, 0.1], [3.0, 5.0], [0.0, 0.0]]), np.array([3, 1]))
    cells = [[int(x), int(y), int(visits[x, y])] for x, y in np.argwhere(visits)]
    row = {"seed": 0, "stage": "base", "target": "", "episodes": 2, "cell": heat_maps.CELL, "visits": cells}
    (condensed,) = heat_maps.condense([row])
    assert visits.sum() == 3 and (heat_maps.unpack(condensed["visits"]) == visits).all()


def test_heat_maps_tell_the_area_and_what_is_shared_with_people():
    found = cells(heat_maps, heat_map_rows(2))
    assert found["People", heat_maps.AREA] == "240"  # 12 squares of 0.25 m² times 80, less one
    assert found["Aligned, left", heat_maps.AREA] == "40"
    wide = cells(heat_maps, heat_map_rows(2, (12, 6, 5, 5, 2, 5, 8)))
    assert wide["Base", "visits shared with people"] == "50"


def test_an_encoder_is_better_where_the_numbers_say_so():
    agent = reward_accuracy.COLUMNS["finetuned"]
    for gain, answer in ((0.05, "confirmed"), (-0.05, "refuted"), (0.0, "inconclusive")):
        rows = accuracy_rows(5, gain=gain)
        assert answers(reward_accuracy, rows) == [answer, "refuted", answer]
        table = reward_accuracy.table(rows)
        found = table.cells[reward_accuracy.condition("high", "camera"), agent].difference
        assert found is not None and found.mean == pytest.approx(gain, abs=0.005)


def test_the_papers_curves_stand_in_its_own_panel_only():
    figure = reward_accuracy.EXPERIMENT.draw(accuracy_rows(2))
    dashed = [sum(line.get_linestyle() == "--" for line in axes.lines) for axes in figure.axes]
    assert dashed == [2, 0, 0, 0, 0, 0]


def test_the_number_of_updates_is_chosen_by_validation_within_the_budget():
    chosen = reward_tuning.choose(tuning_rows(2))
    few = [*chosen["agent"], *chosen["base"], *chosen["random"]]
    assert {row["updates"] for row in few} == {50}  # not 25, which tests best
    assert {row["updates"] for row in chosen["random, longer"]} == {250}
    assert all(len(rows) == 2 * 2 * 3 for rows in chosen.values())


def test_tuned_reward_models_are_compared_both_ways():
    assert answers(reward_tuning, tuning_rows(5)) == ["confirmed", "refuted", "confirmed"]
    found = cells(reward_tuning, tuning_rows(5))
    assert found[reward_tuning.condition("pad"), reward_tuning.COLUMNS["agent"]][:4] in ("89.9", "90.0")
    assert answers(reward_tuning, tuning_rows(5, agent=0.8, random=0.9, longer=0.95, base=0.95)) == [
        "refuted",
        "confirmed",
        "refuted",
    ]
    table = reward_tuning.table(tuning_rows(5))
    longer = next(cell for (name, column), cell in table.cells.items() if "5 times" in name and "fine" in column)
    assert longer.difference is not None and longer.difference.mean == pytest.approx(0.05, abs=0.01)


def test_drift_tells_what_alignment_changes():
    assert answers(drift, drift_rows(5)) == ["confirmed", "confirmed"]
    assert answers(drift, drift_rows(5, aligned_bits=1.8)) == ["inconclusive", "inconclusive"]
    assert cells(drift, drift_rows(5))["Aligned, left", drift.ENDS].startswith("0.20 ±")


def test_scaling_tells_which_way_the_loss_goes():
    expected = ["parameters", "episodes of people", "steps of context"]
    for better, sign in ((1.0, -1), (-1.0, 1)):
        table = scaling.table(scaling_rows(5, better=better))
        largest = [next(c for c in reversed(table.conditions) if c.endswith(words)) for words in expected]
        found = [table.cells[condition, scaling.LOSS] for condition in largest]
        assert all(cell.difference and sign * cell.difference.mean > 0 and cell.corrected < 0.05 for cell in found)
    assert answers(scaling, scaling_rows(5, better=0.0))[0] == "inconclusive"


def test_pre_training_helps_or_harms_as_the_numbers_say():
    assert answers(demonstrations_needed, demonstration_rows(5))[:2] == ["confirmed", "confirmed"]
    worse = demonstration_rows(5, pretrained=0.3, scratch=0.6)
    assert answers(demonstrations_needed, worse)[:2] == ["refuted", "refuted"]
    alike = demonstration_rows(5, pretrained=0.5, scratch=0.38)  # 50% with all of them
    assert answers(demonstrations_needed, alike)[:2] == ["inconclusive", "inconclusive"]


def test_what_was_never_probed_is_not_taken_for_a_failure():
    rows = demonstration_rows(3)
    for row in rows:
        if row["start"] != "pre-trained":
            row |= {"forced_miss": None, "forced_miss_probed": 0}
    assert answers(demonstrations_needed, rows)[:2] == ["not tested", "confirmed"]
    assert "256 odd starts and 0 to 256 forced misses each" in words_of(demonstrations_needed.draw(rows))


def test_alignment_without_pre_training_is_judged_by_returns_to_the_own_pad():
    assert answers(scratch_aligned, scratch_rows(5)) == ["confirmed"]
    assert answers(scratch_aligned, scratch_rows(5, ours=0.1, other=0.5)) == ["refuted"]
    assert answers(scratch_aligned, scratch_rows(5, ours=0.5, other=0.5)) == ["inconclusive"]


def test_lists_are_written_as_people_write_them():
    assert [listed(["a", "b", "c"]), listed(["a"]), listed([])] == ["a, b and c", "a", "none"]
