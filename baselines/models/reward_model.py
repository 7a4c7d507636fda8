"""The reward model: the policy network with a scalar head in place of the action head."""

import copy
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypedDict

import torch
from torch import Tensor, nn

from baselines.models.batches import Batch
from baselines.models.checkpoint import load_config, load_module, network_device, save_checkpoint
from baselines.models.network import GamepadTransformer, NetworkConfig, Trunk
from baselines.models.precision import autocast
from baselines.models.threads import EPISODES, apply_in_parts
from jumppad_env.files.shapes import Range

KIND = "reward_model"


class RewardModelFile(TypedDict):
    """What `config.json` of a reward model holds."""

    kind: str
    format: int
    network: dict[str, Any]
    token: Annotated[int, Range(-(2**31), -1)] | None


class RewardModel(nn.Module):
    """The policy's trunk with a scalar head, which reads the hidden state of one step, or the mean over all steps.

    Source: paper, section 3 (the agent's own network, the action head replaced).
    """

    def __init__(self, config: NetworkConfig, token: int | None = -1) -> None:
        """Build the layers with random weights.

        Args:
            config: Architecture of the trunk.
            token: The step that is read, counted from the end: -1 is the last one. Shorter episodes are read at their
                first step. None reads the mean over all steps, for behavior that no single step shows.

        Raises:
            ValueError: If the token is not negative.
        """
        super().__init__()
        if token is not None and token >= 0:
            raise ValueError(f"token counts from the end of the episode and must be negative (-1: last), got {token}")
        self.config = config
        self.token = token
        self.trunk = Trunk(config)
        self.head = nn.Linear(config.width, 1)
        nn.init.zeros_(self.head.bias)

    @classmethod
    def from_policy(cls, network: GamepadTransformer, token: int | None = -1) -> "RewardModel":
        """Start from a copy of a policy's trunk; only the scalar head is random."""
        model = cls(network.config, token)
        model.trunk = copy.deepcopy(network.trunk)
        return model.to(network_device(network))

    def score(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """Scores (B,) float32 of episodes uint8 (B, T, H, W, 3) with `lengths` (B,); padding is ignored."""
        return self.head(self.read(apply_in_parts(self.trunk, frames, EPISODES), lengths)).squeeze(-1).float()

    def score_batch(self, batch: Batch) -> Tensor:
        """Scores (B,) float32 of a batch, in the precision of its device; gradients flow."""
        with autocast(batch.frames.device):
            return self.score(batch.frames, batch.lengths)

    def read(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """Reduce the hidden states (B, T, width) of episodes of these lengths (B,) to the head's input (B, width)."""
        if self.token is None:
            inside = torch.arange(hidden.shape[1], device=hidden.device) < lengths[:, None]
            return (hidden * inside[..., None]).sum(1) / lengths[:, None]
        at = (lengths + self.token).clamp(min=0)
        return hidden[torch.arange(len(hidden), device=hidden.device), at]

    @torch.no_grad()
    def standardize(self, scores: Tensor) -> None:
        """Rescale the head so that the episodes that had `scores` (N,) get mean 0 and standard deviation 1.

        The Bradley-Terry loss fixes neither: scores drift apart as long as it is trained. Maximizing the score needs a
        fixed scale. The ranking of episodes does not change.

        Raises:
            ValueError: If the scores do not differ.
        """
        scale = scores.double().std(unbiased=False) if len(scores) else 0.0
        if not scale > 1e-6:
            raise ValueError(
                f"the reward model gives all {len(scores)} episodes the same score: it learned nothing; train it on "
                "more comparisons, for more updates or at another learning rate"
            )
        self.head.bias.copy_((self.head.bias - scores.double().mean()) / scale)
        self.head.weight.div_(scale)

    @classmethod
    def from_pretrained(cls, path: Path | str, device: torch.device | str = "cpu") -> "RewardModel":
        """Load a reward model from its directory.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is damaged, not a reward model, or of another format version.
        """
        config = load_config(path, KIND, RewardModelFile)
        sizes = NetworkConfig.from_json(config["network"], path)
        return load_module(path, lambda: cls(sizes, config["token"])).to(device)

    def save_pretrained(self, path: Path | str) -> None:
        """Write `config.json` and `model.safetensors` into the directory `path`, created if needed.

        Raises:
            OSError: If they cannot be written.
        """
        save_checkpoint(path, KIND, {"network": asdict(self.config), "token": self.token}, self)
