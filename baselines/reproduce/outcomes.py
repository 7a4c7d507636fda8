"""Figure 1: where everybody goes, from people to aligned agents."""

from __future__ import annotations

from agents.outcomes import total_variation
from baselines.reproduce.experiment import Row
from baselines.reproduce.measuring import outcomes, read_outcome
from baselines.stages import Stages, Target

TARGETS: tuple[Target, ...] = ("left", "right")


def measure(stages: Stages) -> list[Row]:
    """Plays every agent of the procedure."""
    people = read_outcome(stages.evaluation_of_dataset("demonstrations", stages.demonstrations()))
    agents = {("base", ""): stages.base(), ("finetuned", ""): stages.finetuned()}
    for target in TARGETS:
        agents["preference_finetuned", target] = stages.preference_finetuned(target)
        agents["aligned", target] = stages.aligned(target)
    kept = ("episodes", "none", "left", "middle", "right", "mean_seconds")
    rows: list[Row] = [{"stage": "demonstrations", "target": "", **{key: people[key] for key in kept}}]
    for (stage, target), agent in agents.items():
        name = f"{target}_{stage}" if target else stage
        config = stages.preset.final_evaluation if stage == "aligned" else stages.preset.evaluation
        rows.append({"stage": stage, "target": target, **outcomes(stages, name, agent, config)})
    return [{**row, "total_variation_to_people": total_variation(row, people)} for row in rows]
