r"""Stage 6, alignment: REINFORCE on the reward model's score of the agent's own episodes.

    python -m baselines.align --agent runs/quick/left/preference_finetuned \
        --reward-model runs/quick/left/reward_model --out runs/quick/left/aligned

Source: paper, section 3, step 6 (undiscounted REINFORCE, the score of the whole trajectory as its return). Deviations:
a batch's mean score is the baseline, and all weights are trained by default where the paper trains the last
layer (`--config.trained head`). Beyond the paper: low-rank adapters, and imitation of pre-training's demonstrations
beside the reinforcement, which pays back what alignment forgets (PPO-ptx in InstructGPT, arXiv 2203.02155, equation 2).
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
import tyro
from torch import Tensor

from agents.dataset import Dataset
from agents.probes import MISS_STEPS, ForcedMiss, is_watched, miss_began
from agents.rollout import Actor, make_envs, rollout
from baselines import artifact
from baselines.models import gamepad_distribution
from baselines.models.adapters import add_adapters, merge_adapters
from baselines.models.batches import Batch, make_batch
from baselines.models.policy import Policy, PolicyActor
from baselines.models.precision import autocast, choose_device
from baselines.models.reward_model import RewardModel
from baselines.training.imitation import check_frames, imitation_loss, mixed_in
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.command_line import command_line
from jumppad_env.dataset import Trajectory
from jumppad_env.rules import PADS
from jumppad_env.streams import integer_seed

CHUNK = 16
"""Episodes that pass through the network at a time."""


@dataclass(frozen=True)
class AlignConfig:
    """Online alignment."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            updates=34, learning_rate=7e-4, warmup_updates=6, betas=(0.9, 0.98), weight_decay=0.0, final_fraction=0.05
        )
    )
    """Optimizer and schedule."""
    episodes: int = 64
    """Per update, all played at a time."""
    kl_coefficient: float = 0.01
    """Weight of KL(policy || start) per step; 0 leaves it out."""
    trained: Literal["all", "adapters", "head"] = "all"
    """What is trained: everything, low-rank adapters and the action head, or the action head alone as in the paper."""
    adapter_rank: int = 8
    """Of the adapters, where they are trained."""
    forced_misses: float = 0.0
    """Share of the episodes whose first run to a pad is made to miss, as the probe `forced_miss` does."""
    imitation_coefficient: float = 0.0
    """Weight of imitating demonstrations, in nats per step; 0 leaves it out."""
    imitation_episodes: int = 16
    """Of demonstrations, per update."""
    target: Literal["left", "middle", "right"] | None = None
    """Pad whose share is logged as `success`; the agent never sees it."""

    def __post_init__(self) -> None:
        """Refuses what would be logged wrongly or does nothing."""
        if self.optimizer.accumulate != 1:
            raise ValueError("an update of alignment plays its own episodes; raise `episodes` instead of `accumulate`")
        if not 0 <= self.forced_misses <= 1:
            raise ValueError(f"forced_misses is a share of episodes, 0 to 1; got {self.forced_misses:g}")


def reinforce_loss(log_prob: Tensor, steps: Tensor, scores: Tensor) -> Tensor:
    """Returns the loss whose gradient is REINFORCE with a baseline: the undiscounted return weights every step alike.

    Args:
        log_prob: (B,) of all actions of each episode.
        steps: (B,) of each episode.
        scores: (B,), the episodes' returns, of standard deviation 1 where they were compared. Their mean is taken off;
            they are not standardized once more: when nearly all episodes succeed, that would magnify what is left of
            the differences, which is noise.

    Returns:
        Scalar: mean over all steps of -advantage * log_prob.

    Source: Williams (1992); paper, section 3, step 6.
    """
    advantage = scores - scores.mean()
    return -(advantage * log_prob).sum() / steps.sum()


def align(
    config: AlignConfig, agent: Path, reward_model: Path, out: Path, seed: int, demonstrations: Path | None = None
) -> None:
    """Aligns an agent with a reward model and saves the policy.

    Args:
        config: see `AlignConfig`.
        agent: where it starts, usually the preference-fine-tuned agent.
        reward_model: scores whole episodes.
        out: artifact directory.
        seed: of the episodes.
        demonstrations: a dataset with frames, imitated beside it; needed if the configuration gives it weight.

    Raises:
        ValueError: demonstrations without weight, or weight without demonstrations.
    """
    if (demonstrations is None) != (config.imitation_coefficient == 0):
        raise ValueError(
            f"imitation_coefficient {config.imitation_coefficient:g} and demonstrations {demonstrations} do not fit: "
            "give both, or neither"
        )
    inputs = {"agent": agent, "reward_model": reward_model}
    if demonstrations is not None:
        inputs["demonstrations"] = demonstrations
    with artifact.begin(out, kind="policy", config=config, seed=seed, inputs=inputs) as work:
        if work.finished:
            return
        device = choose_device()
        policy = Policy.from_pretrained(agent, device)
        policy.metadata["stage"] = "aligned"
        reference = copy.deepcopy(policy.network).requires_grad_(False)
        judge = RewardModel.from_pretrained(reward_model, device).requires_grad_(False)
        envs = make_envs(config.episodes, policy.config.image_size)
        actor: Actor = PolicyActor(policy)
        if config.forced_misses > 0:
            actor = ForcedMiss(actor, config.episodes, config.forced_misses)
        target = None if config.target is None else PADS.index(config.target)
        dataset = None if demonstrations is None else Dataset(demonstrations)
        if dataset is not None:
            check_frames(dataset, policy)

        def compute_loss(update: int) -> tuple[Tensor, dict[str, float]]:
            seeds = [integer_seed(seed, "align", update, index) for index in range(config.episodes)]
            episodes = list(rollout(envs, actor, seeds))
            # Together with their likes in length, so that little is padding.
            order = sorted(range(len(episodes)), key=lambda index: len(episodes[index]))
            batches = [
                played([episodes[index] for index in order[start : start + CHUNK]], config.forced_misses, device)
                for start in range(0, len(order), CHUNK)
            ]
            loss, metrics = alignment_loss(policy, reference, judge, batches, config.kl_coefficient)
            metrics["episodes"] = (update + 1) * config.episodes
            if target is not None:
                metrics["success"] = sum(episode.pad == target for episode in episodes) / len(episodes)
            if dataset is not None:
                batch = make_batch(mixed_in(dataset, config.imitation_episodes, update, seed), device)
                with autocast(device):
                    logits = policy.network(batch.frames)
                imitation = imitation_loss(logits, batch, policy.config.hold)
                metrics["imitation_loss"] = float(imitation.detach())
                loss = loss + config.imitation_coefficient * imitation
            return loss, metrics

        parameters = None
        if config.trained == "head":
            parameters = list(policy.network.head.parameters())
        elif config.trained == "adapters":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(integer_seed(seed, "adapters"))
                parameters = add_adapters(policy.network, config.adapter_rank)
        try:
            last = train(
                policy.network,
                compute_loss,
                config.optimizer,
                work.directory,
                description="align",
                parameters=parameters,
            )
        finally:
            envs.close()
        if config.trained == "adapters":
            merge_adapters(policy.network)
        policy.save_pretrained(work.directory)
        work.metrics.update(last)


def played(episodes: list[Trajectory], forced_misses: float, device: torch.device) -> Batch:
    """Returns a batch of episodes that knows at which steps the sticks were not the agent's."""
    batch = make_batch(episodes, device)
    if forced_misses == 0:
        return batch
    forced = torch.zeros(batch.actions.shape[:2], dtype=torch.bool)
    for row, episode in enumerate(episodes):
        if is_watched(episode.seed, forced_misses) and (began := miss_began(episode)) is not None:
            forced[row, began : began + MISS_STEPS] = True
    return dataclasses.replace(batch, forced=forced.to(device))


def alignment_loss(
    policy: Policy, reference: torch.nn.Module, judge: RewardModel, batches: list[Batch], kl_coefficient: float
) -> tuple[Tensor, dict[str, float]]:
    """Returns REINFORCE plus KL to the reference, and the metrics to log (TRL's names).

    Args:
        policy: being aligned.
        reference: its network at the start.
        judge: scores whole episodes.
        batches: the policy's episodes.
        kl_coefficient: weight of the KL per step.
    """
    hold = policy.config.hold
    sums: dict[str, list[Tensor]] = {"log_prob": [], "entropy": [], "kl": [], "score": []}
    for batch in batches:
        mask = batch.mask
        with torch.no_grad(), autocast(policy.device):
            sums["score"].append(judge.score(batch.frames, batch.lengths).float())
            reference_logits = reference(batch.frames) if kl_coefficient > 0 else None
        with autocast(policy.device):
            logits = policy.network(batch.frames)
        sums["log_prob"].append((gamepad_distribution.log_prob(logits, batch.actions, hold) * mask).sum(1))
        sums["entropy"].append((gamepad_distribution.entropy(logits.detach(), batch.actions, hold) * mask).sum(1))
        if reference_logits is not None:
            sums["kl"].append((gamepad_distribution.kl(logits, reference_logits, batch.actions, hold) * mask).sum(1))
    steps = torch.cat([batch.lengths for batch in batches])
    scores = torch.cat(sums["score"])
    loss = reinforce_loss(torch.cat(sums["log_prob"]), steps, scores)
    metrics = {
        "reward": float(scores.mean()),
        "reward_std": float(scores.std(unbiased=False)),
        "entropy": float(torch.cat(sums["entropy"]).sum() / steps.sum()),
    }
    if sums["kl"]:
        kl = torch.cat(sums["kl"]).sum() / steps.sum()
        loss = loss + kl_coefficient * kl
        metrics["kl"] = float(kl.detach())
    return loss, metrics


@dataclass(frozen=True)
class Arguments:
    """Align an agent with a reward model."""

    agent: Path
    """Where it starts."""
    reward_model: Path
    """Scores whole episodes."""
    out: Path
    """Directory of the aligned agent."""
    seed: int = 0
    """Of the episodes."""
    demonstrations: Path | None = None
    """Dataset to imitate beside it."""
    config: AlignConfig = field(default_factory=AlignConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        options = tyro.cli(Arguments)
        align(options.config, options.agent, options.reward_model, options.out, options.seed, options.demonstrations)


if __name__ == "__main__":
    main()
