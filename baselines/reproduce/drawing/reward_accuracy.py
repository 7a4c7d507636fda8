"""Accuracy of linear heads against the number of comparisons: small multiples, and what they tell."""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from agents.figures.style import INK, MUTED
from baselines.laboratory.experiment import Row
from baselines.laboratory.marks import draw_line
from baselines.laboratory.panels import AIR, RANDOM, handle, note, number_axis, panels, percent_axis
from baselines.laboratory.statistics import FEWEST, group, over_seeds, percent, points, significance
from baselines.laboratory.words import LEVEL, Difference, difference, intervals, listed, seeds_in_words, seeds_of
from baselines.preferences.labels import TITLES
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import REWARD_ACCURACY

ENCODERS = {
    "finetuned": ("fine-tuned agent", STAGE_COLORS["finetuned"], 1.0),
    "base": ("base agent", STAGE_COLORS["base"], 0.9),
    "random": ("random weights", RANDOM, 1.11),
}
"""Name, color, and shift of the whiskers."""
LOOKS = {"none": "one look", "paper": "characters as in the paper", "high": "all kinds of looks"}
PAPER_PANEL = ("none", "pad")
PAPER_COLORS = (INK, MUTED)
"""Of the agent's encoder and of a random one."""


def by_encoder(rows: list[Row]) -> dict[str, list[Row]]:
    """Returns rows by encoder, those of all random encoders together."""
    return group([{**row, "encoder": row["encoder"].split(" ")[0]} for row in rows], "encoder")


def advantage(rows: list[Row], encoder: str = "finetuned") -> Difference | None:
    """Returns by how much an encoder exceeds the random ones, in the mean over all else; None without both."""
    encoders = by_encoder(rows)
    return difference(encoders.get(encoder, []), encoders.get("random", []), "accuracy")


def draw(rows: list[Row], judged: int) -> Figure:
    """Draws accuracy against comparisons, a panel per variety and label.

    Args:
        rows: of all seeds.
        judged: number of comparisons by which accuracy is measured.
    """
    labels, looks = list(group(rows, "label")), list(group(rows, "variety"))
    found = group(rows, "variety", "label")
    with panels(0.7 + 2.25 * len(labels), len(labels), len(looks), share_y="row", share_x="all") as (figure, grid):
        for row, label in enumerate(labels):
            for column, look in enumerate(looks):
                axes, some = grid[row, column], found.get((look, label), [])
                if (look, label) == PAPER_PANEL:
                    for curve, color in zip(REWARD_ACCURACY.values(), PAPER_COLORS, strict=True):
                        axes.plot(list(curve), list(curve.values()), "--", color=color, linewidth=1.2)
                axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
                for encoder, some_of in by_encoder(some).items():
                    _, color, shift = ENCODERS[encoder]
                    draw_line(axes, some_of, "comparisons", "accuracy", color, shift=shift)
                if gain := advantage(some):
                    axes.text(0, 1.02, gain.said(), transform=axes.transAxes, va="bottom", fontsize=7.5, color=MUTED)
                if row == 0:
                    axes.set_title(LOOKS[look], pad=18)
                if row == len(labels) - 1:
                    axes.set_xlabel("training comparisons")
            lowest = min(r["accuracy"] for r in rows if r["label"] == label)
            paper_lowest = 0.3 if (label, "none") == PAPER_PANEL[::-1] and "none" in looks else 1.0
            low = min(0.5, math.floor(10 * min(lowest, paper_lowest)) / 10) - AIR
            percent_axis(grid[row, 0], f"{TITLES[label]}:\nheld-out accuracy", low)
        for axes in grid.flat:
            number_axis(axes, (row["comparisons"] for row in rows))
            axes.tick_params(axis="x", labelsize=7.5)
        handles = [handle(c, name) for name, c, _ in ENCODERS.values()]
        if PAPER_PANEL in found:
            for name, color in zip(REWARD_ACCURACY, PAPER_COLORS, strict=True):
                words = name.removesuffix(" encoder")
                handles.append(Line2D([], [], color=color, linestyle="--", label=words))
        handles.append(Line2D([], [], color=MUTED, linestyle=":", label="chance"))
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=8)
        draws = len(group(rows, "draw"))
        drawn = "one draw" if draws == 1 else f"the mean of {draws} draws"
        randoms = len({row["encoder"] for row in rows if row["encoder"].startswith("random")})
        note(
            figure,
            f"{seeds_of(rows)}, on each {drawn} of comparisons (and {judged:,} held out) and of {randoms} random "
            f"encoders; {intervals(rows)}.\n"
            f"Linear heads on frozen encoders. Above each panel: fine-tuned minus random, from {FEWEST} seeds on with "
            "the p of a t-test paired by seed.",
        )
        return figure


def find(rows: list[Row]) -> str:
    """Says where the agent's encoder is better than random ones, and how that compares with the paper."""
    conditions = group(rows, "variety", "label")
    gains = {condition: gain for condition, some in conditions.items() if (gain := advantage(some))}
    if not gains:
        return "No seed has both the agent's encoder and a random one, so nothing can be compared."
    text = f"On {seeds_in_words(rows)}, averaged over all numbers of comparisons, the fine-tuned agent's encoder "
    if all(gain.is_tested for gain in gains.values()):
        better, worse, same = ([c for c, gain in gains.items() if gain.sign == s] for s in (1, -1, 0))
        text += (
            f"is better than random ones in **{len(better)} of {len(gains)}** conditions (p < {LEVEL}), worse in "
            f"{len(worse)}, and no difference can be told in {len(same)}. "
        )
        if worse:
            text += f"It is worse for {listed(map(_named, worse))}. "
    else:
        above = sum(gain.value.mean > 0 for gain in gains.values())
        text += f"is above random ones in {above} of {len(gains)} conditions. "
    most = max(gains, key=lambda condition: gains[condition].value.mean)
    least = min(gains, key=lambda condition: gains[condition].value.mean)
    text += "The largest difference is" if most != least else "The difference is"
    for index, condition in enumerate(dict.fromkeys((most, least))):
        text += f"{', the smallest' * index} {_gained(gains[condition], _named(condition))}"
    text += ". " + _by_number(rows) + _beside_paper(conditions.get(PAPER_PANEL, []))
    return text.strip()


def _gained(gain: Difference, where: str = "") -> str:
    return f"{points(gain.value)} ({where}{'; ' * bool(where)}{significance(gain.p)})"


def _named(condition: tuple[str, str]) -> str:
    look, label = condition
    return f'"{TITLES[label]}" in {LOOKS[look]}'


def _by_number(rows: list[Row]) -> str:
    """Says what few and many comparisons change, over all conditions, and what fine-tuning does to the encoder."""
    counts = sorted(group(rows, "comparisons").items())
    parts = []
    for count, some in (counts[0], counts[-1])[: len(counts)]:
        if gain := advantage(some):
            parts.append(f"{_gained(gain)} with {count:,} comparisons")
    text = f"Over all conditions it gains {listed(dict.fromkeys(parts))}" if parts else ""
    if base := advantage(rows, "base"):
        text += f"; the base agent's encoder gains {_gained(base)}"
    return text and text + ". "


def _beside_paper(rows: list[Row]) -> str:
    """Says whether the panel that the paper has agrees with it in direction and in size."""
    paper = dict(zip(("finetuned", "random"), REWARD_ACCURACY.values(), strict=True))
    encoders = by_encoder(rows)
    shared = [count for count in group(rows, "comparisons") if all(count in curve for curve in paper.values())]
    if not shared or not all(encoder in encoders for encoder in paper):
        return ""
    count = min(shared)
    ours = {name: over_seeds([r for r in encoders[name] if r["comparisons"] == count], "accuracy") for name in paper}
    gain = advantage([row for row in rows if row["comparisons"] == count])
    text = (
        f"Where the paper has numbers, with {count} comparisons about the pad in one look, the agent's encoder reaches "
        f"{percent(ours['finetuned'])} and random ones {percent(ours['random'])}; the paper has "
        f"{100 * paper['finetuned'][count]:.1f}% and {100 * paper['random'][count]:.1f}%. "
    )
    if gain and gain.is_tested:
        same = gain.sign > 0
        text += f"That the agent's encoder is the better one there is {'confirmed' if same else 'not confirmed'}"
        text += f" ({significance(gain.p)})"
        far = ours["random"].mean > 0.5
        joint = ", but" if same and far else ", and" if far else ";"
        if far:
            text += f"{joint} a random encoder below chance is not what we see"
        else:
            text += f"{joint} as in the paper, random encoders stay below chance"
        text += "."
    return text
