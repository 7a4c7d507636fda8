r"""Stage 5, preference fine-tuning: the agent imitates its rollouts with the highest scores.

    python -m baselines.preference_finetune --agent runs/quick/finetuned --rollouts runs/quick/rollouts \
        --reward-model runs/quick/left/reward_model --out runs/quick/left/preference_finetuned

Source: paper, section 3, step 5 (as in ReST, arXiv 2308.08998): the top 20% of the rollouts; makes step 6 much cheaper.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro

from agents.dataset import Dataset
from baselines.models.playing import while_training
from baselines.models.policy import Policy
from baselines.models.precision import choose_device, use_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes
from baselines.training import distributed
from baselines.training.imitation import imitate
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line


@dataclass(frozen=True)
class PreferenceFinetuneConfig:
    """Fine-tuning on the best rollouts."""

    share: float = 0.2
    """Share of the rollouts to imitate, highest scores first."""
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig("muon", updates=80, learning_rate=1e-3, warmup_updates=5)
    )
    """Optimizer and schedule."""
    batch_episodes: int = 16
    """Whole episodes per batch."""
    mixed_episodes: int = 4
    """Episodes of `--mixed` added to each batch."""
    shift: int = 0
    """Augmentation: largest random shift of an episode's frames, in pixels; 0 turns it off."""
    evaluate_every: int = 0
    """Updates between evaluations during training, which `metrics.jsonl` gets; 0 for none."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share}")


def preference_finetune(
    config: PreferenceFinetuneConfig,
    agent: Path,
    rollouts: Path,
    reward_model: Path,
    out: Path,
    seed: int = 0,
    mixed: Path | None = None,
    device: str = "auto",
) -> None:
    """Rank an agent's rollouts with a reward model and fine-tune the agent on the best.

    Args:
        config: Fine-tuning on the best rollouts.
        agent: Policy to start from, usually the fine-tuned agent.
        rollouts: Dataset of its episodes, with frames.
        reward_model: Reward model that scores the rollouts.
        out: Directory of the preference-fine-tuned agent.
        seed: Seed for the order of episodes.
        mixed: Dataset with frames to mix into each batch, against forgetting.
        device: Where the network runs: cpu, cuda, cuda:1, ...; auto is a GPU where there is one.
    """
    use_device(device)
    inputs = {"agent": agent, "rollouts": rollouts, "reward_model": reward_model, "mixed": mixed}
    with distributed.begin(
        out, kind="policy", config=config, seed=seed, inputs=inputs, batch=config.batch_episodes
    ) as work:
        if work.finished:
            return
        place = choose_device()
        dataset = Dataset(rollouts)
        scores = np.zeros(len(dataset))
        if distributed.rank() == 0:
            judge = RewardModel.from_pretrained(reward_model, place)
            scores = score_episodes(judge, dataset, np.arange(len(dataset)), "rank rollouts")
        scores = distributed.from_rank_0(scores)
        best = np.argsort(-scores, kind="stable")[: max(1, round(config.share * len(dataset)))]
        policy = Policy.from_pretrained(agent, place)
        policy.metadata["stage"] = "preference_finetuned"
        mixing = None if mixed is None else (Dataset(mixed), config.mixed_episodes)
        watch = while_training(policy, config.evaluate_every, config.optimizer.updates, seed)
        last = imitate(
            policy,
            dataset,
            config.optimizer,
            config.batch_episodes,
            seed,
            out,
            "preference fine-tune",
            best,
            mixing,
            shift=config.shift,
            after_update=watch,
        )
        if distributed.rank() > 0:
            return
        policy.save_pretrained(out)
        work.metrics.update(last, lowest_score=float(scores[best].min()), mean_score=float(scores.mean()))


if __name__ == "__main__":
    with command_line(), distributed.processes():
        tyro.cli(preference_finetune, prog="python -m baselines.preference_finetune")
