"""Tables of experiments: what a cell says, what is compared, and how p values are corrected."""

import math

import pytest
from scipy import stats

from baselines.laboratory.claims import Bound, Claim, Difference
from baselines.laboratory.statistics import paired_p, where
from baselines.laboratory.tables import Column, Line, tabulate

OURS, OTHERS = [0.31, 0.36, 0.28, 0.4, 0.33], [0.25, 0.35, 0.3, 0.31, 0.2]
SPLIT = [0.976, 0.0, 0.0, 0.0, 0.96]


def rows_of(*shares, loss=()):
    return [{"seed": seed, "share": share, "loss": loss[seed] if loss else None} for seed, share in enumerate(shares)]


COLUMN = Column("success", "share")


def table_of(ours, others, paper=None, **options):
    lines = [
        Line("ours", rows_of(*ours), rows_of(*others), {} if paper is None else {"success": paper}),
        Line("others", rows_of(*others)),
    ]
    return tabulate(lines, [Column("success", "share", **options)], "others")


def test_a_cell_is_the_mean_and_its_interval_beside_the_paper_and_the_difference():
    table = table_of(OURS, OTHERS, paper=0.987)
    p = paired_p(OURS, OTHERS)
    head, rows = table.grid()
    assert head == ["", "success, %", "paper", "difference, points"]
    assert rows == [["ours", "33.6 ± 5.7", "98.7", f"+5.4 ± 7.5, p = {p:.2g}"], ["others", "28.2 ± 7.2", "", ""]]
    assert table.comparisons == 1 and table.cells["ours", "success"].p == table.cells["ours", "success"].corrected == p


def test_numbers_that_are_no_shares_keep_their_unit_and_digits():
    lines = [
        Line("ours", rows_of(*OURS, loss=[2.1, 2.2, 2.3, 2.2, 2.2]), rows_of(*OTHERS, loss=[3.0, 3.1, 3.2, 3.1, 3.1]))
    ]
    table = tabulate(lines, [Column("loss", "loss", share=False, digits=2)], "others")
    assert table.grid() == (["", "loss", "difference"], [["ours", "2.20 ± 0.09", "-0.90 ± 0.00, p < 0.001"]])


def test_two_groups_of_seeds_are_counted_listed_and_tested_exactly():
    table = table_of(SPLIT, [0.99, 1.0, 0.98, 0.97, 0.99])
    cell = table.cells["ours", "success"]
    expected = stats.fisher_exact([[2, 5], [3, 0]])[1]
    assert str(cell) == "2 of 5 (0.0, 0.0, 0.0, 96.0, 97.6)" and "±" not in str(cell)
    assert cell.p == pytest.approx(expected) and cell.compared() == f"2 of 5 against 5 of 5, p = {expected:.2g}"
    assert table_of([0.99, 1.0, 0.98, 0.97, 0.99], SPLIT).cells["ours", "success"].is_tested_exactly
    assert not table_of(SPLIT, OTHERS, share=False).cells["ours", "success"].is_tested_exactly


def test_p_values_of_a_table_are_corrected_together():
    columns = [
        Column("one", "share"),
        Column("two", lambda row: 1 - row["share"]),
        Column("three", "share", compared=False),
    ]
    table = tabulate([Line("ours", rows_of(*OURS), rows_of(*OTHERS)), Line("others", rows_of(*OTHERS))], columns)
    first, second, third = (table.cells["ours", title] for title in ("one", "two", "three"))
    assert first.corrected == second.corrected == min(1.0, 2 * first.p) and table.comparisons == 2
    assert third.difference is None and math.isnan(third.p)
    raw = {(record["condition"], record["measure"]): (record["p"], record["p_holm"]) for record in table.records()}
    assert raw["ours", "one"] == (first.p, first.corrected) and raw["others", "one"] == ("", "")


def test_few_seeds_have_neither_intervals_nor_p():
    table = table_of(OURS[:2], OTHERS[:2])
    assert table.grid()[1] == [["ours", "33.5", "+3.5"], ["others", "30.0", ""]] and table.comparisons == 0
    assert Claim("better", "us", Difference("ours", "success", "higher")).judge(table).answer == "not tested"


def test_what_was_not_measured_is_left_out():
    lines = [Line("ours", rows_of(*OURS), []), Line("nobody", []), Line("unprobed", rows_of(None, None, None))]
    table = tabulate(lines, [COLUMN], "others")
    assert table.conditions == ["ours"] and table.cells["ours", "success"].difference is None
    assert Claim("better", "us", Difference("ours", "success", "higher")).judge(table) == ("not tested", "not measured")
    assert Claim("better", "us", Difference("nobody", "success", "higher")).judge(table) == (
        "not tested",
        "not measured",
    )


@pytest.mark.parametrize(
    ("ours", "relation", "answer"),
    [
        ([share + 0.3 + 0.01 * n for n, share in enumerate(OTHERS)], "higher", "confirmed"),
        ([share + 0.3 + 0.01 * n for n, share in enumerate(OTHERS)], "lower", "refuted"),
        ([share - 0.1 - 0.01 * n for n, share in enumerate(OTHERS)], "higher", "refuted"),
        (OURS, "higher", "inconclusive"),
    ],
)
def test_a_relation_is_decided_by_the_corrected_p_and_the_sign(ours, relation, answer):
    judged = Claim("better", "us", Difference("ours", "success", relation)).judge(table_of(ours, OTHERS))
    assert judged.answer == answer and "against 28.2%" in judged.evidence and "p " in judged.evidence


@pytest.mark.parametrize(
    ("shares", "bound", "answer"),
    [
        ([0.99, 0.98, 1.0], {"least": 0.9}, "confirmed"),
        ([0.99, 0.98, 1.0], {"most": 0.9}, "refuted"),
        ([0.99, 0.98, 1.0], {"least": 0.98}, "inconclusive"),
        ([0.02, 0.03, 0.04], {"most": 0.1}, "confirmed"),
        ([0.02, 0.03, 0.04], {"least": 0.1}, "refuted"),
        (SPLIT, {"least": 0.5}, "inconclusive"),
        ([0.99, 0.98], {"least": 0.9}, "not tested"),
    ],
)
def test_a_bound_is_decided_by_the_side_on_which_the_interval_lies(shares, bound, answer):
    judged = Claim("enough", "us", Bound("ours", "success", **bound)).judge(
        tabulate([Line("ours", rows_of(*shares))], [COLUMN])
    )
    assert judged.answer == answer and ("at least" if "least" in bound else "at most") in judged.evidence


def test_several_bounds_must_hold_together():
    rows = [{"seed": seed, "share": 0.99, "back": back} for seed, back in enumerate((0.7, 0.72, 0.71))]
    table = tabulate([Line("ours", rows)], [COLUMN, Column("back", "back")])
    for least, answer in ((0.6, "confirmed"), (0.71, "inconclusive"), (0.8, "refuted")):
        claim = Claim("goal", "us", Bound("ours", "success", 0.98), also=Bound("ours", "back", least))
        assert claim.judge(table).answer == answer and claim.judge(table).evidence.count("at least") == 2


def test_a_column_may_be_compared_with_other_rows_of_the_same_condition():
    rows = [row | {"kind": kind} for kind, some in (("a", OURS), ("b", OTHERS)) for row in rows_of(*some)]
    column = Column("a", where("kind", "a", "share"), against=where("kind", "b", "share"))
    found = tabulate([Line("all", rows, rows)], [column]).cells["all", "a"]
    expected = table_of(OURS, OTHERS).cells["ours", "success"]
    assert (str(found), found.compared()) == (str(expected), expected.compared())
