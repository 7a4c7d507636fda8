r"""Stage 5, preference fine-tuning: imitation of the rollouts that the reward model likes best.

    python -m baselines.preference_finetune --agent runs/quick/finetuned --rollouts runs/quick/rollouts \
        --reward-model runs/quick/left/reward_model --out runs/quick/left/preference_finetuned

Source: paper, section 3, step 5 (as in ReST, arXiv 2308.08998): top 20% of the rollouts; it makes step 6 much cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro

from agents.dataset import Dataset
from baselines import artifact
from baselines.models.policy import Policy
from baselines.models.precision import choose_device
from baselines.models.reward_model import RewardModel
from baselines.models.scoring import score_episodes
from baselines.training.imitation import imitate
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line


@dataclass(frozen=True)
class PreferenceFinetuneConfig:
    """Training on the best rollouts."""

    share: float = 0.2
    """Of the rollouts, by score."""
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig("muon", updates=80, learning_rate=1e-3, warmup_updates=5)
    )
    """Optimizer and schedule."""
    batch_episodes: int = 16
    """Whole episodes per update."""
    mixed_episodes: int = 4
    """Of the demonstrations mixed in, per update beside them, where there are any."""

    def __post_init__(self) -> None:
        """Refuses a share that selects nothing."""
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, got {self.share}")


def preference_finetune(
    config: PreferenceFinetuneConfig,
    agent: Path,
    rollouts: Path,
    reward_model: Path,
    out: Path,
    seed: int,
    mixed: Path | None = None,
) -> None:
    """Ranks rollouts by the reward model, imitates the best and saves the policy.

    Args:
        config: see `PreferenceFinetuneConfig`.
        agent: the fine-tuned agent.
        rollouts: dataset of its episodes.
        reward_model: ranks them.
        out: artifact directory.
        seed: of the order of episodes.
        mixed: a dataset with frames, mixed in against forgetting.
    """
    inputs = {"agent": agent, "rollouts": rollouts, "reward_model": reward_model}
    if mixed is not None:
        inputs["mixed"] = mixed
    with artifact.begin(out, kind="policy", config=config, seed=seed, inputs=inputs) as work:
        if work.finished:
            return
        device = choose_device()
        dataset = Dataset(rollouts)
        scores = score_episodes(
            RewardModel.from_pretrained(reward_model, device), dataset, np.arange(len(dataset)), "rank rollouts"
        )
        best = np.argsort(-scores, kind="stable")[: max(1, round(config.share * len(dataset)))]
        policy = Policy.from_pretrained(agent, device)
        policy.metadata["stage"] = "preference_finetuned"
        last = imitate(
            policy,
            dataset,
            config.optimizer,
            config.batch_episodes,
            seed,
            work.directory,
            "preference fine-tune",
            episodes=best,
            mixed=None if mixed is None else (Dataset(mixed), config.mixed_episodes),
        )
        policy.save_pretrained(work.directory)
        work.metrics.update(last, lowest_score=float(scores[best].min()), mean_score=float(scores.mean()))


@dataclass(frozen=True)
class Arguments:
    """Fine-tune an agent on its best rollouts."""

    agent: Path
    """The fine-tuned agent."""
    rollouts: Path
    """Dataset of its episodes."""
    reward_model: Path
    """Ranks them."""
    out: Path
    """Directory of the preference-fine-tuned agent."""
    seed: int = 0
    """Of the order of episodes."""
    mixed: Path | None = None
    """Dataset mixed in against forgetting."""
    config: PreferenceFinetuneConfig = field(default_factory=PreferenceFinetuneConfig)


def main() -> None:
    """Runs the command line."""
    with command_line():
        options = tyro.cli(Arguments)
        preference_finetune(
            options.config,
            options.agent,
            options.rollouts,
            options.reward_model,
            options.out,
            options.seed,
            options.mixed,
        )


if __name__ == "__main__":
    main()
