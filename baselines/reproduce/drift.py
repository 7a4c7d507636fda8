"""Beyond the paper: entropy of behavior, and how far it has moved from people, at every stage."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from agents.outcomes import NAMES
from baselines import gamepad_distribution
from baselines.batches import make_batch
from baselines.playing import play
from baselines.policy import Policy
from baselines.precision import autocast, choose_device
from baselines.reproduce import outcomes
from baselines.reproduce.experiment import Row
from baselines.stages import EVALUATION_SEED, Stages
from jumppad_env.streams import integer_seed

EPISODES = 64


def measure(stages: Stages) -> list[Row]:
    """Plays every agent and compares it with the base agent on its own episodes."""
    agents: list[tuple[str, str, Path]] = [("base", "", stages.base()), ("finetuned", "", stages.finetuned())]
    for target in outcomes.TARGETS:
        agents.append(("preference_finetuned", target, stages.preference_finetuned(target)))
        agents.append(("aligned", target, stages.aligned(target)))
    ends = {(row["stage"], row["target"]): row for row in outcomes.measure(stages)}
    rows = []
    for stage, target, agent in agents:
        shares = [ends[stage, target][name] for name in NAMES]
        outcome_entropy = -sum(share * math.log2(share) for share in shares if share > 0)
        row = {"stage": stage, "target": target, "outcome_entropy_bits": outcome_entropy}
        rows.append({**row, **compare(agent, stages.base(), stages.seed + EVALUATION_SEED)})
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
