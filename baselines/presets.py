"""Presets: every setting of a whole run, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.collect import CollectConfig
from baselines.align import AlignConfig
from baselines.evaluate import EvaluateConfig
from baselines.finetune import FinetuneConfig
from baselines.network import NetworkConfig
from baselines.preference_finetune import PreferenceFinetuneConfig
from baselines.preferences import PreferencesConfig
from baselines.pretrain import PretrainConfig
from baselines.reward import RewardConfig
from baselines.rollouts import RolloutsConfig
from baselines.training import OptimizerConfig


@dataclass(frozen=True)
class Preset:
    """Settings of all stages; the defaults are those of `quick`."""

    demonstrations: CollectConfig = field(default_factory=lambda: CollectConfig(episodes=2000))
    """Diverse human play."""
    curated: CollectConfig = field(default_factory=lambda: CollectConfig(episodes=300, population="curated"))
    """Clean runs, an equal number per pad."""
    base: PretrainConfig = field(default_factory=PretrainConfig)
    """Pre-training."""
    finetuned: FinetuneConfig = field(default_factory=FinetuneConfig)
    """Fine-tuning."""
    rollouts: RolloutsConfig = field(default_factory=RolloutsConfig)
    """Episodes of the fine-tuned agent."""
    preferences: PreferencesConfig = field(default_factory=PreferencesConfig)
    """Comparisons; the pipeline sets the target."""
    reward_model: RewardConfig = field(default_factory=RewardConfig)
    """Reward model."""
    preference_finetuned: PreferenceFinetuneConfig = field(default_factory=PreferenceFinetuneConfig)
    """Preference fine-tuning."""
    aligned: AlignConfig = field(default_factory=AlignConfig)
    """Alignment; the pipeline sets the target."""
    evaluation: EvaluateConfig = field(default_factory=EvaluateConfig)
    """Of the base and the fine-tuned agent."""
    preference_evaluation: EvaluateConfig = field(default_factory=lambda: EvaluateConfig(episodes=200))
    """Of the preference-fine-tuned agents, which are only on the way."""
    final_evaluation: EvaluateConfig = field(default_factory=lambda: EvaluateConfig(episodes=1000))
    """Of the aligned agents."""
    video_episodes: int = 9
    """Episodes in each stage's video; 0 leaves videos out."""


def _smoke() -> Preset:
    size = (32, 32)
    network = NetworkConfig(image_size=size, channels=(16, 32), width=64, layers=2, heads=2, context=16)
    return Preset(
        demonstrations=CollectConfig(episodes=120, image_size=size),
        curated=CollectConfig(episodes=150, population="curated", image_size=size),
        base=PretrainConfig(
            network=network, optimizer=OptimizerConfig("muon", updates=150, learning_rate=2e-3), batch_episodes=8
        ),
        finetuned=FinetuneConfig(
            OptimizerConfig("muon", updates=200, learning_rate=1e-3, warmup_updates=5), batch_episodes=8
        ),
        rollouts=RolloutsConfig(episodes=160),
        preferences=PreferencesConfig(comparisons=60, held_out=60),
        reward_model=RewardConfig(
            OptimizerConfig(updates=25, learning_rate=1e-3, warmup_updates=2), batch_comparisons=6
        ),
        preference_finetuned=PreferenceFinetuneConfig(
            optimizer=OptimizerConfig("muon", updates=20, learning_rate=5e-4, warmup_updates=2), batch_episodes=8
        ),
        aligned=AlignConfig(
            OptimizerConfig(updates=8, learning_rate=2e-4, warmup_updates=1, weight_decay=0.0),
            episodes=32,
            kl_coefficient=0.2,  # sixty comparisons make a reward model that is soon fooled
        ),
        evaluation=EvaluateConfig(episodes=64),
        preference_evaluation=EvaluateConfig(episodes=64),
        final_evaluation=EvaluateConfig(episodes=64),
        video_episodes=4,
    )


PRESETS = {"smoke": _smoke(), "quick": Preset()}
"""smoke: seconds per stage, for tests. quick: minutes on two CPU cores, 64x64, about 1M parameters."""
