"""What is measured of an agent: where it goes, and what it does away from its demonstrations."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from agents.outcomes import NAMES
from baselines.evaluate import OUTCOMES, EvaluateConfig
from baselines.stages import Stages, Target

PROBED = 256
"""Episodes of a probe."""


def read_outcome(evaluation: Path) -> dict[str, Any]:
    """Returns the outcome object of an evaluation."""
    return json.loads((evaluation / OUTCOMES).read_text())


def outcomes(stages: Stages, name: str, agent: Path, config: EvaluateConfig | None = None) -> dict[str, Any]:
    """Returns how an agent's episodes end: `episodes`, the share of each outcome, `mean_seconds`."""
    outcome = read_outcome(stages.evaluation(name, agent, config or stages.preset.evaluation))
    return {key: outcome[key] for key in ("episodes", *NAMES, "mean_seconds")}


def probe(
    stages: Stages, name: str, agent: Path, kind: Literal["forced_miss", "odd_start", "pushes"], target: Target | None
) -> dict[str, Any]:
    """Returns what an agent does when it is disturbed.

    Returns:
        `<kind>`: the share that reaches a pad all the same; `<kind>_at_target`: the target pad; `<kind>_probed`: of how
        many. The shares are None where no episode came to be probed.
    """
    episodes = min(PROBED, stages.preset.evaluation.episodes)
    config = dataclasses.replace(stages.preset.evaluation, episodes=episodes, probe=kind)
    outcome = read_outcome(stages.evaluation(f"{name}_{kind}", agent, config))
    known = outcome["probed"] > 0
    at_target = outcome["recovered_at"][target] if known and target is not None else None
    recovered = outcome["recovered"] if known else None
    return {kind: recovered, f"{kind}_at_target": at_target, f"{kind}_probed": outcome["probed"]}
