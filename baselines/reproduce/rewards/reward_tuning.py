"""Figure 3, continued: reward models tuned as a whole, from the agents' weights and from random ones.

Each has its own best number of updates, chosen on validation comparisons; the random one may take five times as many.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from agents.dataset import Dataset
from agents.figures.style import MUTED
from agents.targets import Target
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import (
    AIR,
    RANDOM,
    handle,
    intervals,
    note,
    number_axis,
    percent_axis,
    seeds_of,
    subplots,
)
from baselines.laboratory.marks import draw_line
from baselines.laboratory.statistics import where
from baselines.models.network import Trunk
from baselines.models.policy import Policy
from baselines.models.precision import choose_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes, score_pairs
from baselines.preferences.comparisons import Comparisons, pair_batch
from baselines.preferences.labels import TITLES, label
from baselines.report.palette import STAGE_COLORS
from baselines.reproduce import rates
from baselines.reproduce.rewards.reward_accuracy import Pairs, agents_of, draw_pairs, random_network, split
from baselines.reward import RewardConfig, bradley_terry_loss
from baselines.stages import Stages
from jumppad_env.streams import integer_seed, stream

VARIETY = "high"
READ: dict[str, int | None] = {"pad": -1, "camera": None}
"""Labels, and where the head reads: place at the last step, behavior in the mean over all."""
COUNTS = (10, 100)
LONGER = 5
"""Times that the random one may be trained longer."""
JUDGED_EPISODES = 100
"""Of validation and of accuracy, at most: every look at them costs their frames."""


def measure(stages: Stages) -> Measuring:
    """Trains reward models on rollouts drawn in full variety."""
    drawn = agents_of(stages, VARIETY)
    yield
    rows = []
    for what, count, start, trial in trials(stages, *drawn, COUNTS):
        config = rates.at_rate(stages.preset.reward_model, "random" if start == "random" else "agent")
        for updates, (validation, accuracy) in trial(config, longest(start)).items():
            rows.append({"label": what, "comparisons": count, "start": start, "updates": updates})
            rows[-1] |= {"validation": validation, "accuracy": accuracy}
    return rows


def longest(start: str) -> int:
    """Returns how many times the preset's updates a start may take."""
    return LONGER if start == "random" else 1


Trial = Callable[[RewardConfig, int], dict[int, tuple[float, float]]]
"""Takes a configuration and how many times its updates; returns accuracies as `tune` does."""


def trials(
    stages: Stages, rollouts: Path, agents: dict[str, Path], counts: Iterable[int]
) -> Iterator[tuple[str, int, str, Trial]]:
    """Gives what is to be trained: label, number of comparisons, start, and what trains it.

    Args:
        stages: of the seed.
        rollouts: see `agents_of`.
        agents: see `agents_of`.
        counts: numbers of comparisons.
    """
    dataset = Dataset(rollouts)
    starts = {
        "agent": Policy.from_pretrained(agents["finetuned"]).network.trunk,
        "base": Policy.from_pretrained(agents["base"]).network.trunk,
        "random": random_network(stages.preset.base.network, stages.seed, 0).trunk,
    }
    for what, token in READ.items():
        values = label(dataset, what, Target.parse("left"))
        parts = split(len(dataset), stages.seed, 0)
        parts[1:] = [part[:JUDGED_EPISODES] for part in parts[1:]]
        for count in counts:
            pairs = draw_pairs(values, parts, count, stream(stages.seed, f"tuning {what}", count))
            for start, trunk in starts.items():
                yield what, count, start, partial(tune, RewardStart(trunk, token, stages.seed), dataset, pairs)


class RewardStart(NamedTuple):
    """What a reward model starts from."""

    trunk: Trunk
    token: int | None
    seed: int
    """Of its head and of its batches."""


def tune(
    start: RewardStart, dataset: Dataset, pairs: Pairs, config: RewardConfig, times: int
) -> dict[int, tuple[float, float]]:
    """Returns the accuracies on validation and test comparisons after several numbers of updates."""
    device = choose_device()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(integer_seed(start.seed, "reward head"))
        model = RewardModel(start.trunk.config, start.token)
    model.trunk = copy.deepcopy(start.trunk)
    model.to(device).train()
    own = config.optimizer.updates
    looks = (max(1, own // 5), own // 2, own, *([times * own] if times > 1 else []))
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.optimizer.learning_rate, betas=config.optimizer.betas)
    results = {}
    for update in range(1, max(looks) + 1):
        rows = stream(start.seed, "tuning", update).integers(len(pairs.train.chosen), size=config.batch_comparisons)
        chosen, rejected = model.score_batch(pair_batch(dataset, pairs.train, rows, device)).chunk(2)
        optimizer.zero_grad()
        bradley_terry_loss(chosen, rejected).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.optimizer.gradient_clip)
        optimizer.step()
        if update in looks:
            results[update] = (_accuracy(model, dataset, pairs.validation), _accuracy(model, dataset, pairs.test))
    return results


def _accuracy(model: RewardModel, dataset: Dataset, pairs: Comparisons) -> float:
    chosen, rejected = score_pairs(partial(score_episodes, model, dataset), pairs.chosen, pairs.rejected)
    return float((chosen > rejected).mean())


WAYS = {
    "agent": ("from the fine-tuned agent", STAGE_COLORS["finetuned"], "-", 0.93),
    "base": ("from the base agent", STAGE_COLORS["base"], "-", 0.97),
    "random": ("from random weights", RANDOM, "-", 1.0),
    "random, longer": (f"from random weights, up to {LONGER} times the updates", RANDOM, "--", 1.07),
}
"""Name, color, style and shift of what is compared."""


def choose(rows: list[Row]) -> dict[str, list[Row]]:
    """Returns a row per seed, label and number of comparisons for each of the `WAYS`: the best in validation.

    Among those equally good it is the one of fewest updates.
    """
    longest = max(row["updates"] for row in rows)
    limits = {"agent": longest // LONGER, "base": longest // LONGER}
    limits |= {"random": longest // LONGER, "random, longer": longest}
    chosen = {}
    for way, limit in limits.items():
        tried = [row for row in rows if row["start"] == way.split(",")[0] and row["updates"] <= limit]
        runs = group(tried, "seed", "label", "comparisons").values()
        chosen[way] = [max(run, key=lambda row: (row["validation"], -row["updates"])) for run in runs]
    return chosen


def draw(rows: list[Row]) -> Figure:
    """Draws the accuracy of the best of each way against the number of comparisons."""
    labels, chosen = list(group(rows, "label")), choose(rows)
    with subplots(3.5, 1, max(2, len(labels)), share_y="all") as (figure, grid):
        for axes in grid.flat[len(labels) :]:
            axes.set_axis_off()
        for axes, what in zip(grid.flat, labels, strict=False):
            axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
            for way, (_, color, style, shift) in WAYS.items():
                some = [row for row in chosen[way] if row["label"] == what]
                draw_line(axes, some, "comparisons", "accuracy", color, style, shift)
            axes.set(title=TITLES[what], xlabel="training comparisons")
            number_axis(axes, (row["comparisons"] for row in rows))
        lowest = min(row["accuracy"] for some in chosen.values() for row in some)
        percent_axis(grid[0, 0], "held-out accuracy", min(0.5, lowest) - AIR)
        handles = [handle(color, name, style) for name, color, style, _ in WAYS.values()]
        handles.append(Line2D([], [], color=MUTED, linestyle=":", label="chance"))
        figure.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=8)
        looks = ", ".join(f"{updates:,}" for updates in sorted(group(rows, "updates")))
        best = f"the best of {looks} updates in validation, on other comparisons"
        note(figure, f"{seeds_of(rows)}, {best}; {intervals(rows)}.")
        return figure


COLUMNS = {"agent": "fine-tuned agent's weights", "base": "base agent's weights", "random": "random weights"}


def table(rows: list[Row]) -> Table:
    """Tabulates the agents' weights against random ones, over all numbers of comparisons and with the fewest."""
    chosen = choose(rows)
    few = min(row["comparisons"] for row in rows)
    lines = []
    for what in group(rows, "label"):
        name = condition(what)
        of = {way: [row for row in some if row["label"] == what] for way, some in chosen.items()}
        known = [*of["agent"], *of["base"], *of["random"]]
        some = [row for row in known if row["comparisons"] == few]
        lines += [
            Line(name, known, of["random"]),
            Line(f"{name}, {few} comparisons", some, some),
            Line(f"{name}, against {LONGER} times the updates", known, of["random, longer"]),
        ]
    random = where("start", "random", "accuracy")
    columns = [
        Column(name, where("start", start, "accuracy"), compared=start != "random", against=random)
        for start, name in COLUMNS.items()
    ]
    return tabulate(lines, columns, "random weights")


def condition(what: str) -> str:
    """Names a condition of the table."""
    return f'"{TITLES[what]}"'


EXPERIMENT = Experiment(
    title="Reward models with all weights tuned",
    question=(
        "With all weights tuned, in full visual variety, is a reward model still better when it starts from "
        "an agent's weights?"
    ),
    paper="",
    measure=measure,
    own_seconds=260,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "For behavior, tuning a reward model from the fine-tuned agent's weights beats random weights",
            "us",
            Difference(condition("camera"), COLUMNS["agent"], "higher"),
        ),
        Claim(
            "For behavior, tuning from the base agent's weights beats random weights",
            "us",
            Difference(condition("camera"), COLUMNS["base"], "higher"),
        ),
        Claim(
            "For places, tuning from the fine-tuned agent's weights beats random weights",
            "us",
            Difference(condition("pad"), COLUMNS["agent"], "higher"),
        ),
    ),
)
