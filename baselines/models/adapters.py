"""Low-rank adapters: of a transformer's matrices only a sum of few outer products is trained, beside the action head.

Source: Hu et al., "LoRA" (arXiv 2106.09685), equation 3: W = W0 + B A, where A starts at random and B at zero.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from baselines.models.network import GamepadTransformer

LAYERS = ("query_key_value", "attention_out", "perceptron_in", "perceptron_out")
"""Of each transformer block."""


class LowRank(nn.Module):
    """A frozen matrix (rows, columns) plus the product of (rows, rank) and (rank, columns)."""

    def __init__(self, rows: int, columns: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, columns) * columns**-0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """Returns the adapted matrix."""
        return weight + self.up @ self.down


def add_adapters(network: GamepadTransformer, rank: int) -> list[nn.Parameter]:
    """Adds adapters to every transformer block, which change nothing yet.

    Args:
        network: changed in place.
        rank: of the change to each matrix.

    Returns:
        What is to be trained: adapters and action head.

    Raises:
        ValueError: a rank below 1.
    """
    if rank < 1:
        raise ValueError(f"adapters need a rank of at least 1, got {rank}")
    trained = list(network.head.parameters())
    for layer in _layers(network):
        rows, columns = layer.weight.shape
        adapter = LowRank(rows, columns, rank).to(layer.weight.device)
        parametrize.register_parametrization(layer, "weight", adapter)
        trained += [adapter.down, adapter.up]
    return trained


def merge_adapters(network: GamepadTransformer) -> None:
    """Adds the adapters to the matrices for good: the network is of the usual kind again."""
    for layer in _layers(network):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def _layers(network: GamepadTransformer) -> list[nn.Linear]:
    return [getattr(block, name) for block in network.trunk.blocks for name in LAYERS]
