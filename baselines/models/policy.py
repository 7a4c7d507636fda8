"""The policy: a network with metadata, saved in a directory, and the actor that plays episodes with it."""

import copy
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from agents.worlds import WorldConfig, world_of
from baselines.models.batches import Batch
from baselines.models.checkpoint import load_config, load_module, network_device, save_checkpoint
from baselines.models.gamepad_distribution import UNIFORMS, log_prob, sample, sample_component
from baselines.models.network import Cache, GamepadTransformer, NetworkConfig
from baselines.models.precision import Precision, autocast
from jumppad_env.streams import integer_seed, stream

KIND = "policy"


class PolicyFile(TypedDict):
    """What `config.json` of a policy holds."""

    kind: str
    format: int
    network: dict[str, Any]
    metadata: dict[str, Any]


class Policy:
    """A policy network and its metadata."""

    def __init__(self, network: GamepadTransformer, metadata: Mapping[str, Any] | None = None) -> None:
        """Wrap a network.

        Args:
            network: The network, on any device.
            metadata: JSON-serializable, such as the stage that trained it.
        """
        self.network = network
        self.metadata = dict(metadata or {})

    @property
    def config(self) -> NetworkConfig:
        """Architecture of the network."""
        return self.network.config

    @property
    def world(self) -> WorldConfig:
        """The world that its demonstrations were made in."""
        return world_of(self.metadata.get("world", {}))

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return network_device(self.network)

    @classmethod
    def initialize(cls, config: NetworkConfig, seed: int, metadata: Mapping[str, Any] | None = None) -> "Policy":
        """Return a policy with random weights, determined by the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer_seed(seed, "initial weights"))
            return cls(GamepadTransformer(config), metadata)

    @classmethod
    def from_pretrained(cls, path: Path | str, device: torch.device | str = "cpu") -> "Policy":
        """Load a policy from its directory.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is damaged, not a policy, or of another format version.
        """
        config = load_config(path, KIND, PolicyFile)
        sizes = NetworkConfig.from_json(config["network"], path)
        network = load_module(path, lambda: GamepadTransformer(sizes))
        return cls(network.to(device), config["metadata"])

    def frozen_copy(self) -> "Policy":
        """Returns a copy that is not trained, such as the reference of a KL or of DPO."""
        return Policy(copy.deepcopy(self.network).requires_grad_(False), self.metadata)

    def logits(self, batch: Batch) -> Tensor:
        """Returns the logits (B, T, M * 57) of a batch, in the precision of the device."""
        with autocast(self.device):
            return self.network(batch.frames)

    def episode_log_prob(self, batch: Batch, logits: Tensor | None = None) -> Tensor:
        """Returns the log-probability (B,) float32 of all of the agent's own actions in each episode, in nats.

        Padding and forced steps do not count.

        Args:
            batch: B episodes.
            logits: The batch's `logits`, where they are at hand; they are computed otherwise.
        """
        logits = self.logits(batch) if logits is None else logits
        return (log_prob(logits, batch.actions, self.config.hold) * batch.mask).sum(1)

    def save_pretrained(self, path: Path | str) -> None:
        """Write `config.json` and `model.safetensors` into the directory `path`, created if needed.

        Raises:
            OSError: If they cannot be written.
        """
        save_checkpoint(path, KIND, {"network": asdict(self.config), "metadata": self.metadata}, self.network)


class PolicyActor:
    """Plays a batch of episodes, one per row, which start and end independently.

    Each row samples from a random stream of its episode's seed, so an episode can be replayed in a batch of any size.
    """

    def __init__(self, policy: Policy, temperature: float = 1.0, precision: Precision = "auto") -> None:
        """Prepare to act; the first `reset` sets the number of rows.

        Args:
            policy: Its weights are read at every step, so training between episodes takes effect.
            temperature: Divides the logits; above 0.
            precision: See `baselines.models.precision`.

        Raises:
            ValueError: If the temperature is not above 0.
        """
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, got {temperature}")
        self.policy = policy
        self.temperature = temperature
        self.precision: Precision = precision
        self._cache: Cache | None = None
        self._component = torch.zeros(0, dtype=torch.int64)  # current component per row
        self._generators: list[np.random.Generator | None] = []

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Start new episodes.

        Args:
            rows: (N,) bool, true where an episode starts.
            seeds: (N,) int, the episodes' seeds; read only where `rows` is true.
        """
        rows = np.asarray(rows, dtype=bool)
        if self._cache is None or len(self._generators) != len(rows):
            assert rows.all(), f"the first reset starts every row, got {rows.sum()} of {len(rows)}"
            with torch.inference_mode():
                self._cache = self.policy.network.initial_cache(len(rows))
                self._component = torch.zeros(len(rows), dtype=torch.int64, device=self.policy.device)
            self._generators = [None] * len(rows)
        with torch.inference_mode():
            self._cache.reset(torch.from_numpy(rows).to(self.policy.device))
        for row in np.flatnonzero(rows):
            self._generators[row] = stream(int(seeds[row]), "actions")

    def mode(self, row: int) -> str:
        """Return "": a learned policy has no modes."""
        return ""

    def act(self, observations: np.ndarray, infos: Mapping[str, Any] | None = None) -> np.ndarray:
        """Choose the actions of one step.

        Args:
            observations: (N, H, W, 3) uint8.
            infos: Ignored; scripted demonstrators read it, but the policy sees pixels only.

        Returns:
            (N, 16) uint8.
        """
        assert self._cache is not None, "reset must come before act"
        uniforms = np.empty((len(self._generators), UNIFORMS), dtype=np.float32)
        for row, generator in enumerate(self._generators):
            assert generator is not None
            generator.random(out=uniforms[row], dtype=np.float32)
        device, hold = self.policy.device, self.policy.config.hold
        with torch.inference_mode():
            drawn = self._cache.age % hold == 0
            with autocast(device, self.precision):
                frames = torch.from_numpy(np.ascontiguousarray(observations)).to(device)
                logits = self.policy.network.step(frames, self._cache)
            chances = torch.from_numpy(uniforms).to(device)
            fresh = sample_component(logits, chances, self.temperature)
            self._component = torch.where(drawn, fresh, self._component)
            return sample(logits, chances, self._component, self.temperature).cpu().numpy()
