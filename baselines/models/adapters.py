"""Low-rank adapters (LoRA) for the transformer's matrices, trained together with the action head.

Source: Hu et al., "LoRA" (arXiv 2106.09685), equation 3: W = W0 + B A, with A random and B zero at the start.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from baselines.models.network import GamepadTransformer

LAYERS = ("query_key_value", "attention_out", "perceptron_in", "perceptron_out")
"""Adapted layers of each transformer block."""


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
    """Adds adapters to every transformer block; the network's output does not change yet.

    Args:
        network: Modified in place.
        rank: Rank of the update to each matrix.

    Returns:
        The parameters to train: adapters and action head.

    Raises:
        ValueError: The rank is below 1.
    """
    if rank < 1:
        raise ValueError(f"adapter_rank must be at least 1, got {rank}")
    trained = list(network.head.parameters())
    for layer in _layers(network):
        rows, columns = layer.weight.shape
        adapter = LowRank(rows, columns, rank).to(layer.weight.device)
        parametrize.register_parametrization(layer, "weight", adapter)
        trained += [adapter.down, adapter.up]
    return trained


def merge_adapters(network: GamepadTransformer) -> None:
    """Merges adapters, if there are any, into the matrices; afterwards the network has its usual parameters."""
    for block in network.trunk.blocks:
        for name in LAYERS:
            layer = getattr(block, name)
            if parametrize.is_parametrized(layer):
                # `remove_parametrizations` would take the adapters from all copies of the network as well.
                merged = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
                merged.weight, merged.bias = nn.Parameter(layer.weight.detach()), layer.bias
                setattr(block, name, merged)


def _layers(network: GamepadTransformer) -> list[nn.Linear]:
    return [getattr(block, name) for block in network.trunk.blocks for name in LAYERS]
