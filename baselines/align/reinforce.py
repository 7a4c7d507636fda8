r"""Stage 6, alignment: REINFORCE on the reward model's scores of the agent's own episodes.

    python -m baselines.align --agent runs/quick/left/preference_finetuned \
        --reward-model runs/quick/left/reward_model --out runs/quick/left/aligned
    python -m baselines.align ... --cluster auto --actors 8   # episodes are played by the machines of a Ray cluster

Source: paper, section 3, step 6 (undiscounted REINFORCE; the return is the score of the whole trajectory). Deviations:
the mean score of a batch is the baseline, and all weights are trained by default; the paper trains the last layer only
(`--config.trained head`). Beyond the paper: low-rank adapters, and an auxiliary imitation loss on the demonstrations of
pre-training, against forgetting (PPO-ptx in InstructGPT, arXiv 2203.02155, equation 2).
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import torch
import tyro
from torch import Tensor

from agents.dataset import Dataset
from agents.probes import MISS_STEPS, is_watched, miss_began
from agents.targets import Target
from agents.workers import open_workers
from agents.worlds import Elsewhere
from baselines import artifact
from baselines.align.actors import Actors
from baselines.models import gamepad_distribution
from baselines.models.adapters import add_adapters, merge_adapters
from baselines.models.batches import Batch, make_batch
from baselines.models.playing import while_training
from baselines.models.policy import Policy
from baselines.models.precision import choose_device, use_device
from baselines.models.reward_model import RewardModel
from baselines.training.imitation import check_frames, imitation_loss, mixed_in
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.dataset import Trajectory
from jumppad_env.machine.cores import count_cores
from jumppad_env.streams import integer_seed

CHUNK = 16
"""Episodes per pass through the network."""


@dataclass(frozen=True)
class AlignConfig(Elsewhere):
    """Online alignment by REINFORCE."""

    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            updates=34, learning_rate=7e-4, warmup_updates=6, betas=(0.9, 0.98), weight_decay=0.0, final_fraction=0.05
        )
    )
    """Optimizer and schedule."""
    episodes: int = 64
    """Episodes per update, played in parallel."""
    kl_coefficient: float = 0.01
    """Weight of KL(policy || start) per step; 0 turns it off."""
    trained: Literal["all", "adapters", "head"] = "all"
    """Weights to train: all, low-rank adapters and the action head, or the action head alone as in the paper."""
    adapter_rank: int = 8
    """Rank of the adapters, if they are trained."""
    forced_misses: float = 0.0
    """Share of the episodes in which the agent is forced to miss its first pad, as in the probe `forced_miss`."""
    imitation_coefficient: float = 0.0
    """Weight of the imitation loss on `--demonstrations`, in nats per step; 0 turns it off."""
    imitation_episodes: int = 16
    """Demonstration episodes per update."""
    target: str | None = None
    """Target whose share is logged as `success`, such as left, red or left,right; it does not affect training."""
    evaluate_every: int = 0
    """Updates between evaluations during training, which `metrics.jsonl` gets; 0 for none."""
    actors: Annotated[int, tyro.conf.arg(aliases=["--actors"])] = 1
    """Actors that play an update's episodes, a block each, on the machines of `--cluster`. Without one, this process
    plays the blocks one after the other: without a GPU, to the byte what a cluster makes with as many actors."""
    overlap: bool = False
    """Whether the next update's episodes are played while the learner computes this one. They are then an update old,
    and REINFORCE weights each by its probability under the present weights, divided by that under the weights which
    played it (`ratio` is its mean in `metrics.jsonl`, `effective_episodes` the effective share of the episodes). The
    first update after an interruption plays with the present weights (ratio 1), so a resumed run is not the same to the
    byte. Without `--cluster`, both happen in the same order, one after the other."""

    def __post_init__(self) -> None:
        if self.optimizer.accumulate != 1:
            raise ValueError(
                f"alignment plays new episodes at every update, so accumulate must be 1, got "
                f"{self.optimizer.accumulate}; raise `episodes` instead"
            )
        if not 0 <= self.forced_misses <= 1:
            raise ValueError(f"forced_misses is a share of the episodes, from 0 to 1, got {self.forced_misses:g}")
        if not 1 <= self.actors <= self.episodes:
            raise ValueError(f"actors must be 1 to {self.episodes}, one per episode at most, got {self.actors}")


def reinforce_loss(log_prob: Tensor, steps: Tensor, scores: Tensor, ratio: Tensor | float = 1.0) -> Tensor:
    """Returns the REINFORCE loss with a baseline; the undiscounted return weights all steps equally.

    Args:
        log_prob: (B,), log-probability of all actions of an episode.
        steps: (B,), length of an episode.
        scores: (B,), return of an episode. The reward model scales scores to standard deviation 1. Here only their
            mean is subtracted: standardizing each batch would amplify noise once nearly all episodes succeed.
        ratio: (B,), without gradient: probability of an episode under the policy that learns, divided by that under the
            policy which played it. It makes the expected gradient that of episodes played by the former.

    Returns:
        Scalar: -ratio * advantage * log_prob, averaged over all steps.

    Source: Williams (1992); paper, section 3, step 6.
    """
    advantage = scores - scores.mean()
    return -(ratio * advantage * log_prob).sum() / steps.sum()


def align(
    config: AlignConfig,
    agent: Path,
    reward_model: Path,
    out: Path,
    seed: int = 0,
    demonstrations: Path | None = None,
    device: str = "auto",
    cluster: str | None = None,
) -> None:
    """Align an agent with a reward model by REINFORCE.

    Args:
        config: Online alignment by REINFORCE.
        agent: Policy to start from, usually the preference-fine-tuned agent.
        reward_model: Reward model that scores episodes.
        out: Directory of the aligned agent.
        seed: Seed for the episodes.
        demonstrations: Dataset with frames for an auxiliary imitation loss; needs `--config.imitation-coefficient`.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
        cluster: Ray cluster whose machines play the episodes, see `--actors`: auto, HOST:PORT or ray://HOST:PORT.

    Raises:
        ValueError: Demonstrations without `imitation_coefficient`, or the reverse.
    """
    use_device(device)
    if (demonstrations is None) != (config.imitation_coefficient == 0):
        raise ValueError(
            f"imitation_coefficient {config.imitation_coefficient:g} and demonstrations {demonstrations} do not go "
            "together; give both or neither"
        )
    inputs = {"agent": agent, "reward_model": reward_model, "demonstrations": demonstrations}
    with artifact.begin(out, kind="policy", config=config, seed=seed, inputs=inputs) as work:
        if work.finished:
            return
        place = choose_device()
        policy = Policy.from_pretrained(agent, place)
        known = dict(policy.metadata, stage="aligned")
        policy.metadata["world"] = config.of(policy.world).entry  # where it plays until it is saved
        reference = policy.frozen_copy()
        judge = RewardModel.from_pretrained(reward_model, place).requires_grad_(False)
        target = None if config.target is None else Target.parse(config.target)
        if target is not None:
            target.check(policy.world.settings)
        dataset = None if demonstrations is None else Dataset(demonstrations)
        if dataset is not None:
            check_frames(dataset, policy)

        def seeds_of(update: int) -> list[int]:
            return [integer_seed(seed, "align", update, index) for index in range(config.episodes)]

        def compute_loss(update: int) -> tuple[Tensor, dict[str, float]]:
            episodes, behavior = actors.play(update)
            # Episodes of similar length share a pass: less padding.
            order = sorted(range(len(episodes)), key=lambda index: len(episodes[index]))
            batches = [
                played([episodes[index] for index in order[start : start + CHUNK]], config.forced_misses, place)
                for start in range(0, len(order), CHUNK)
            ]
            stale = behavior if config.overlap else None
            loss, metrics = alignment_loss(policy, reference, judge, batches, config.kl_coefficient, stale)
            metrics["episodes"] = (update + 1) * config.episodes
            if target is not None:
                metrics["success"] = sum(map(target.reached, episodes)) / len(episodes)
            if dataset is not None:
                batch = make_batch(mixed_in(dataset, config.imitation_episodes, update, seed), place)
                imitation = imitation_loss(policy.logits(batch), batch, policy.config.hold)
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
        watch = while_training(policy, config.evaluate_every, config.optimizer.updates, seed)
        ahead_until = config.optimizer.updates if config.overlap else 0
        with (
            open_workers(count_cores(), cluster, jobs=1) as workers,
            Actors(
                policy, workers, seeds_of, config.actors, forced_misses=config.forced_misses, ahead_until=ahead_until
            ) as actors,
        ):
            last = train(
                policy.network,
                compute_loss,
                config.optimizer,
                out,
                description="align",
                parameters=parameters,
                after_update=watch,
            )
        merge_adapters(policy.network)
        policy.metadata = known
        policy.save_pretrained(out)
        work.metrics.update(last)


def played(episodes: list[Trajectory], forced_misses: float, device: torch.device) -> Batch:
    """Returns a batch of episodes in which the steps of forced misses are marked."""
    batch = make_batch(episodes, device)
    if forced_misses == 0:
        return batch
    forced = torch.zeros(batch.actions.shape[:2], dtype=torch.bool)
    for row, episode in enumerate(episodes):
        if is_watched(episode.seed, forced_misses) and (began := miss_began(episode)) is not None:
            forced[row, began : began + MISS_STEPS] = True
    return dataclasses.replace(batch, forced=forced.to(device))


def alignment_loss(
    policy: Policy,
    reference: Policy,
    judge: RewardModel,
    batches: list[Batch],
    kl_coefficient: float,
    behavior: Policy | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """Returns the REINFORCE loss plus KL to the reference, and the metrics to log (TRL's names).

    Args:
        policy: Policy to align.
        reference: Its copy from before alignment.
        judge: Reward model.
        batches: Episodes of the policy, or of `behavior`.
        kl_coefficient: Weight of the KL per step.
        behavior: Policy that played the episodes, if that is an older one.
    """
    hold = policy.config.hold
    sums: dict[str, list[Tensor]] = {"log_prob": [], "entropy": [], "kl": [], "score": [], "behavior": []}
    for batch in batches:
        mask = batch.mask
        with torch.no_grad():
            sums["score"].append(judge.score_batch(batch))
            reference_logits = reference.logits(batch) if kl_coefficient > 0 else None
            if behavior is not None:
                sums["behavior"].append(behavior.episode_log_prob(batch))
        logits = policy.logits(batch)
        sums["log_prob"].append(policy.episode_log_prob(batch, logits))
        sums["entropy"].append((gamepad_distribution.entropy(logits.detach(), batch.actions, hold) * mask).sum(1))
        if reference_logits is not None:
            sums["kl"].append((gamepad_distribution.kl(logits, reference_logits, batch.actions, hold) * mask).sum(1))
    steps = torch.cat([batch.lengths for batch in batches])
    scores, log_prob = torch.cat(sums["score"]), torch.cat(sums["log_prob"])
    ratio = (log_prob.detach() - torch.cat(sums["behavior"])).exp() if behavior else torch.ones_like(scores)
    loss = reinforce_loss(log_prob, steps, scores, ratio)
    metrics = {
        "reward": float(scores.mean()),
        "reward_std": float(scores.std(unbiased=False)),
        "entropy": float(torch.cat(sums["entropy"]).sum() / steps.sum()),
    }
    if sums["kl"]:
        kl = torch.cat(sums["kl"]).sum() / steps.sum()
        loss = loss + kl_coefficient * kl
        metrics["kl"] = float(kl.detach())
    if behavior is not None:
        metrics["ratio"] = float(ratio.mean())
        metrics["effective_episodes"] = float(ratio.sum() ** 2 / (len(ratio) * (ratio**2).sum()))
    return loss, metrics
