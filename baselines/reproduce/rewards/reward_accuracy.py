"""Figure 3: what a linear head can read off the agent's encoder, off the base agent's, and off random ones.

The encoders are frozen. Each head has its own best number of steps and its own best place to read, chosen on validation
comparisons; its accuracy is measured on others. No episode is in two of the three parts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from agents.dataset import Dataset
from agents.figures.style import INK, MUTED
from agents.targets import Target
from baselines.laboratory import (
    Bound,
    Claim,
    Column,
    Difference,
    Experiment,
    Line,
    Measuring,
    Row,
    Table,
    group,
    tabulate,
)
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
from baselines.models.batches import make_batch
from baselines.models.network import GamepadTransformer, NetworkConfig, Trunk
from baselines.models.policy import Policy
from baselines.models.precision import autocast, choose_device
from baselines.models.reward_model import RewardModel
from baselines.preferences.comparisons import Comparisons, compare
from baselines.preferences.labels import TITLES, label
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import REWARD_ACCURACY
from baselines.reward import bradley_terry_loss
from baselines.stages import Stages
from jumppad_env.streams import integer_seed, stream

VARIETIES = ("none", "paper", "high")
LABELS: tuple[str, ...] = ("pad", "camera", "stick")
COUNTS = (10, 50, 100, 500, 1_000, 5_000, 50_000, 500_000)
RANDOM_ENCODERS = 2
DRAWS = 1
"""Sets of comparisons per count."""
TOKENS = (-1, -10, None)
"""Where a head may read: the last step, ten before the end, the mean over all."""
STEPS = (10, 30, 100, 300)
"""Of the head's training, to choose from."""
BATCH = 5_000
"""Comparisons per step, at most."""
JUDGED = 1_000
"""Comparisons for validation, and as many for the accuracy."""
PARTS = (0.6, 0.15, 0.25)
"""Shares of the rollouts for training, validation and accuracy."""


def measure(stages: Stages) -> Measuring:
    """Trains heads on the encoders of agents that saw this variety, on the same rollouts drawn in it."""
    drawn = {variety: agents_of(stages, variety) for variety in VARIETIES}
    yield
    rows = []
    for variety, (rollouts, agents) in drawn.items():
        dataset = Dataset(rollouts)
        features = {name: read(trunk, dataset) for name, trunk in encoders(stages, agents)}
        for what in LABELS:
            values = label(dataset, what, Target.parse("left"))
            for index in range(DRAWS):
                parts = split(len(dataset), stages.seed, index)
                for count in COUNTS:
                    pairs = draw_pairs(values, parts, count, stream(stages.seed, f"{what} {index}", count))
                    for encoder, read_at in features.items():
                        accuracy = fit(read_at, pairs, integer_seed(stages.seed, "head", index))
                        row = {"variety": variety, "label": what, "comparisons": count, "encoder": encoder}
                        rows.append({**row, "draw": index, "accuracy": accuracy})
    return rows


def agents_of(stages: Stages, variety: str) -> tuple[Path, dict[str, Path]]:
    """Returns rollouts drawn in a variety, and the agents that were trained in it."""
    if variety == "none":
        return stages.rollouts(), {"base": stages.base(), "finetuned": stages.finetuned()}
    people = stages.redrawn(f"demonstrations_{variety}", stages.demonstrations(), variety)
    clean = stages.redrawn(f"curated_{variety}", stages.curated(), variety)
    base = stages.base(f"base_{variety}", demonstrations=people)
    tuned = stages.finetuned(f"finetuned_{variety}", base=base, curated=clean)
    # The same play in all varieties: only the pixels differ.
    return stages.redrawn(f"rollouts_{variety}", stages.rollouts(), variety), {"base": base, "finetuned": tuned}


def encoders(stages: Stages, agents: dict[str, Path]) -> Iterator[tuple[str, Trunk]]:
    """Yields the agents' trunks and random ones."""
    for name, path in agents.items():
        yield name, Policy.from_pretrained(path).network.trunk
    for index in range(RANDOM_ENCODERS):
        yield f"random {index}", random_network(stages.preset.base.network, stages.seed, index).trunk


def random_network(config: NetworkConfig, seed: int, index: int) -> GamepadTransformer:
    """Returns a network of random weights, none of which any agent started from."""
    return Policy.initialize(config, integer_seed(seed, "random encoder", index)).network


def read(trunk: Trunk, dataset: Dataset) -> dict[int | None, Tensor]:
    """Returns what a head would read (E, width) of each episode, at each of the `TOKENS`; scaled to unit variance."""
    device = choose_device()
    trunk.to(device).eval()
    readers = {token: RewardModel(trunk.config, token) for token in TOKENS}
    rows = {token: torch.zeros(len(dataset), trunk.config.width) for token in TOKENS}
    order = np.argsort(dataset.episodes["length"], kind="stable")
    for start in range(0, len(order), 32):
        episodes = order[start : start + 32]
        batch = make_batch([dataset.trajectory(int(episode)) for episode in episodes], device)
        with torch.inference_mode(), autocast(device):
            hidden = trunk(batch.frames)
        for token, reader in readers.items():
            rows[token][episodes] = reader.read(hidden, batch.lengths).float().cpu()
    return {token: (x - x.mean(0)) / (x.std(0) + 1e-6) for token, x in rows.items()}


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Comparisons for each purpose, between episodes of its own."""

    train: Comparisons
    validation: Comparisons
    test: Comparisons


def split(episodes: int, seed: int, draw: int) -> list[np.ndarray]:
    """Returns the episodes of the three parts."""
    order = stream(seed, "reward accuracy", draw).permutation(episodes)
    return np.split(order, np.cumsum([round(share * episodes) for share in PARTS[:-1]]))


def draw_pairs(values: np.ndarray, parts: list[np.ndarray], count: int, generator: np.random.Generator) -> Pairs:
    """Draws `count` comparisons for training, and a fixed number to judge by."""

    def of(part: np.ndarray, number: int) -> Comparisons:
        pairs = compare(values[part], number, generator)
        return Comparisons(part[pairs.chosen], part[pairs.rejected])

    return Pairs(of(parts[0], count), of(parts[1], JUDGED), of(parts[2], JUDGED))


def fit(features: dict[int | None, Tensor], pairs: Pairs, seed: int) -> float:
    """Returns the accuracy of the head that is best on the validation comparisons."""
    best = (-1.0, 0.0)
    for x in features.values():
        difference = {
            part: x[torch.from_numpy(c.chosen)] - x[torch.from_numpy(c.rejected)]
            for part, c in (("train", pairs.train), ("validation", pairs.validation), ("test", pairs.test))
        }
        weight = torch.zeros(x.shape[1], requires_grad=True)
        optimizer = torch.optim.AdamW([weight], lr=1e-2, weight_decay=0.01)
        generator = torch.Generator().manual_seed(seed)
        for step in range(1, max(STEPS) + 1):
            batch = difference["train"]
            if len(batch) > BATCH:
                batch = batch[torch.randint(len(batch), (BATCH,), generator=generator)]
            optimizer.zero_grad()
            bradley_terry_loss(batch @ weight, torch.zeros(len(batch))).backward()
            optimizer.step()
            if step in STEPS:
                with torch.no_grad():
                    validation, test = (
                        float((difference[part] @ weight > 0).float().mean()) for part in ("validation", "test")
                    )
                best = max(best, (validation, test), key=lambda pair: pair[0])
    return best[1]


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


def draw(rows: list[Row]) -> Figure:
    """Draws accuracy against comparisons, a panel per variety and label."""
    labels, looks = list(group(rows, "label")), list(group(rows, "variety"))
    found, tabulated = group(rows, "variety", "label"), table(rows)
    with subplots(0.7 + 2.25 * len(labels), len(labels), len(looks), share_y="row", share_x="all") as (
        figure,
        grid,
    ):
        for row, label in enumerate(labels):
            for column, look in enumerate(looks):
                axes, some = grid[row, column], found.get((look, label), [])
                if (look, label) == PAPER_PANEL:
                    for curve, color in zip(REWARD_ACCURACY.values(), PAPER_COLORS, strict=True):
                        axes.plot(list(curve), list(curve.values()), "--", color=color, linewidth=1.2)
                axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=":")
                for encoder, some_of in group(one_kind(some), "encoder").items():
                    _, color, shift = ENCODERS[encoder]
                    draw_line(axes, some_of, "comparisons", "accuracy", color, shift=shift)
                gain = tabulated.cells.get((condition(look, label), COLUMNS["finetuned"]))
                if gain is not None and gain.difference is not None:
                    said = f"{gain.compared()} (points)"
                    axes.text(0, 1.02, said, transform=axes.transAxes, va="bottom", fontsize=7.5, color=MUTED)
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
                handles.append(Line2D([], [], color=color, linestyle="--", label=name.removesuffix(" encoder")))
        handles.append(Line2D([], [], color=MUTED, linestyle=":", label="chance"))
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=8)
        draws = len(group(rows, "draw"))
        drawn = "one draw" if draws == 1 else f"the mean of {draws} draws"
        randoms = len({row["encoder"] for row in rows if row["encoder"].startswith("random")})
        note(
            figure,
            f"{seeds_of(rows)}, on each {drawn} of comparisons (and {JUDGED:,} held out) and of {randoms} random "
            f"encoders; {intervals(rows)}.\n"
            f"Linear heads on frozen encoders. Above each panel: fine-tuned minus random, p corrected over the "
            "table.",
        )
        return figure


COLUMNS = {"finetuned": "fine-tuned agent's encoder", "base": "base agent's encoder", "random": "random encoders"}
PAPER_COUNT = 50
"""Comparisons of the paper's number that is compared."""


def table(rows: list[Row]) -> Table:
    """Tabulates the agents' encoders against random ones, in the mean over numbers of comparisons."""
    found = [(condition(*key), some) for key, some in group(rows, "variety", "label").items()]
    counts = group(rows, "comparisons")
    found += [(f"all of these, {count:,} comparisons", counts[count]) for count in (min(counts), max(counts))]
    lines = [Line(name, one_kind(some), one_kind(some)) for name, some in found]
    numbers = dict(zip(("finetuned", "random"), REWARD_ACCURACY.values(), strict=True))
    paper = {COLUMNS[encoder]: curve[PAPER_COUNT] for encoder, curve in numbers.items()}
    some = [row for row in counts.get(PAPER_COUNT, []) if (row["variety"], row["label"]) == PAPER_PANEL]
    lines.append(Line(condition(*PAPER_PANEL, PAPER_COUNT), one_kind(some), one_kind(some), paper))
    random = where("encoder", "random", "accuracy")
    columns = [
        Column(name, where("encoder", encoder, "accuracy"), compared=encoder != "random", against=random)
        for encoder, name in COLUMNS.items()
    ]
    return tabulate(lines, columns, "random encoders")


def condition(look: str, what: str, count: int | None = None) -> str:
    """Names a condition of the table."""
    return f'"{TITLES[what]}", {LOOKS[look]}{f", {count} comparisons" if count else ""}'


def one_kind(rows: list[Row]) -> list[Row]:
    """Returns rows with all random encoders under one name."""
    return [{**row, "encoder": row["encoder"].split(" ")[0]} for row in rows]


EXPERIMENT = Experiment(
    title="Reward models on frozen encoders",
    question=(
        "Does the agent's own encoder make a better reward model than a random one: for places and for "
        "behavior, in which look of the world?"
    ),
    paper="The agent's encoder rises from 92.5% to 99.8% with more comparisons; a random one stays below chance.",
    measure=measure,
    own_seconds=130,
    draw=draw,
    table=table,
    claims=(
        Claim(
            "The agent's encoder makes the better reward model for places",
            "paper",
            Difference(condition(*PAPER_PANEL, PAPER_COUNT), COLUMNS["finetuned"], "higher"),
        ),
        Claim(
            "A random encoder stays below chance",
            "paper",
            Bound(condition(*PAPER_PANEL, PAPER_COUNT), COLUMNS["random"], most=0.5),
        ),
        Claim(
            "The agent's encoder makes the better reward model for behavior in a varied world",
            "us",
            Difference(condition("high", "camera"), COLUMNS["finetuned"], "higher"),
        ),
    ),
)
