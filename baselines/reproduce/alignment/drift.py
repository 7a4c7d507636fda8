"""Beyond the paper: entropy of behavior, and how far it has moved from people, at every stage."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import MUTED
from agents.outcomes import NAMES
from baselines.laboratory import Claim, Column, Difference, Experiment, Line, Measuring, Row, Table, group, tabulate
from baselines.laboratory.axes import handle, intervals, note, seeds_of, subplots
from baselines.laboratory.marks import draw_dot
from baselines.laboratory.statistics import per_seed
from baselines.models import gamepad_distribution
from baselines.models.batches import make_batch
from baselines.models.playing import play
from baselines.models.policy import Policy
from baselines.models.precision import autocast, choose_device
from baselines.report.palette import KIND_TITLES
from baselines.reproduce import outcomes
from baselines.stages import EVALUATION_SEED, Stages
from jumppad_env.streams import integer_seed

EPISODES = 64


def measure(stages: Stages) -> Measuring:
    """Plays every agent and compares it with the base agent on its own episodes."""
    base = stages.base()
    agents: list[tuple[str, str, Path]] = [("base", "", base), ("finetuned", "", stages.finetuned())]
    for target in outcomes.TARGETS:
        agents.append(("preference_finetuned", target, stages.preference_finetuned(target)))
        agents.append(("aligned", target, stages.aligned(target)))
    ends = {(row["stage"], row["target"]): row for row in (yield from outcomes.measure(stages))}
    rows = []
    for stage, target, agent in agents:
        shares = [ends[stage, target][name] for name in NAMES]
        outcome_entropy = -sum(share * math.log2(share) for share in shares if share > 0)
        row = {"stage": stage, "target": target, "outcome_entropy_bits": outcome_entropy}
        rows.append({**row, **compare(agent, base, stages.seed + EVALUATION_SEED)})
    return rows


def compare(agent: Path, base: Path, seed: int) -> dict[str, float]:
    """Returns the entropy of an agent's actions and their KL from the base agent, nats per step."""
    device = choose_device()
    policy, reference = (Policy.from_pretrained(path, device) for path in (agent, base))
    policy.network.eval()
    reference.network.eval()
    entropy = kl = steps = 0.0
    seeds = [integer_seed(seed, "drift", index) for index in range(EPISODES)]
    episodes = sorted(play(agent, seeds, "drift"), key=len)
    for start in range(0, len(episodes), 16):
        batch = make_batch(episodes[start : start + 16], device)
        with torch.inference_mode(), autocast(device):
            logits, base_logits = policy.network(batch.frames), reference.network(batch.frames)
        hold = policy.config.hold
        entropy += float((gamepad_distribution.entropy(logits, batch.actions, hold) * batch.mask).sum())
        kl += float((gamepad_distribution.kl(logits, base_logits, batch.actions, hold) * batch.mask).sum())
        steps += float(batch.lengths.sum())
    return {"entropy": entropy / steps, "kl_from_base": kl / steps}


ENDS = "entropy of outcomes, bits"
MEASURES = {
    "outcome_entropy_bits": ENDS,
    "entropy": "entropy of actions, nats per step",
    "kl_from_base": "KL from the base agent, nats per step",
}
STAGES = ("base", "finetuned", "preference_finetuned", "aligned")


def draw(rows: list[Row]) -> Figure:
    """Draws each measure stage by stage; the ways to the two targets part after fine-tuning."""
    agents = group(rows, "stage", "target")
    with subplots(3.6, 1, len(MEASURES)) as (figure, grid):
        for axes, (measure_of, name) in zip(grid.flat, MEASURES.items(), strict=True):
            for target, shift in (("left", -0.06), ("right", 0.06)):
                found = []
                for x, stage in enumerate(STAGES):
                    shared = (stage, "") in agents
                    place, color = (x, MUTED) if shared else (x + shift, OUTCOME_COLORS[target])
                    some = agents.get((stage, "" if shared else target), [])
                    values = list(per_seed(some, measure_of).values())
                    draw_dot(axes, place, values, color, share=False)
                    if values:
                        found.append((place, float(np.mean(values)), color))
                for (x0, y0, _), (x1, y1, color) in pairwise(found):
                    axes.plot([x0, x1], [y0, y1], color=color, linewidth=1.6)
            axes.set_title(name.partition(", ")[0], fontsize=9)
            names = [KIND_TITLES[stage].replace("Preference fine", "Preference\nfine") for stage in STAGES]
            axes.set_xticks(range(len(STAGES)), names, rotation=35, ha="right", fontsize=8)
            axes.set_ylim(bottom=0)
            axes.set_xlim(-0.4, len(STAGES) - 0.6)
            axes.set_ylabel(name.rpartition(", ")[2])
        most = math.log2(len(NAMES))
        grid[0, 0].axhline(most, color=MUTED, linewidth=0.8, linestyle=":")
        grid[0, 0].set_ylim(0, 1.08 * most)
        grid[0, 0].text(-0.35, most * 1.01, "all outcomes alike", fontsize=7.5, color=MUTED, va="bottom")
        handles = [handle(MUTED, "before preferences")] + [
            handle(OUTCOME_COLORS[target], f"preferred: {target}") for target in outcomes.TARGETS
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
        note(figure, f"{seeds_of(rows)}, actions of {EPISODES} episodes of each agent on each; {intervals(rows)}.")
        return figure


def table(rows: list[Row]) -> Table:
    """Tabulates every agent; aligned agents against the fine-tuned one."""
    agents = group(rows, "stage", "target")
    tuned = agents.get(("finetuned", ""), [])
    lines = [
        Line(outcomes.title(*agent), some, tuned if agent[0] == "aligned" else ()) for agent, some in agents.items()
    ]
    columns = [Column(name, key, share=False, digits=2) for key, name in MEASURES.items()]
    return tabulate(lines, columns, "the fine-tuned agent")


EXPERIMENT = Experiment(
    title="Entropy and distance from the base agent",
    question="How much variety of outcomes and of actions does each stage leave, and how far does it move the agent?",
    paper="",
    measure=measure,
    own_seconds=10,
    draw=draw,
    table=table,
    claims=tuple(
        Claim(
            f"Aligning to the {target} makes outcomes nearly deterministic",
            "us",
            Difference(outcomes.title("aligned", target), ENDS, "lower"),
        )
        for target in outcomes.TARGETS
    ),
)
