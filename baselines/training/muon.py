"""Muon: steps in which every direction of a weight matrix moves equally far.

A gradient's few large directions drown the many small ones; here the momentum of each matrix is replaced by the nearest
(semi-)orthogonal matrix, found by a Newton-Schulz iteration.

`torch.optim.Muon` computes in bfloat16 whatever the processor: without instructions for it, a step of this project's
network took 730 ms where float32 takes 20 to 30. It also refuses convolutions.

Source: Jordan et al. (2024), https://kellerjordan.github.io/posts/muon; the length of the steps from Liu et al. (2025),
"Muon is scalable for LLM training", arXiv 2502.16982.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic x -> a x + b x^3 + c x^5, which carries all singular values towards 1 and small ones fast."""
ITERATIONS = 5
"""Of the quintic, each of which makes small singular values 3.4 times larger."""


class Muon(torch.optim.Optimizer):
    """Muon for matrices and convolutions; vectors need another optimizer."""

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        """Prepare for parameters.

        Args:
            params: Each (rows, columns), or more dimensions, of which all but the first are taken as columns.
            lr: Learning rate on AdamW's scale: the root mean square of a step's entries is about 0.2 of it.
            momentum: Decay of the average of gradients; Nesterov's.
            weight_decay: Decoupled, as AdamW's.

        Raises:
            ValueError: If a parameter is a vector.
        """
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim < 2:
                    raise ValueError(f"Muon is for matrices, not for a parameter of shape {tuple(parameter.shape)}")

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move all parameters that have a gradient."""
        assert closure is None, "a closure is of no use here"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                step = orthogonalize(self._direction(parameter, group["momentum"]))
                # The entries of a semi-orthogonal matrix have the root mean square 1 / sqrt(its longer side).
                length = 0.2 * max(step.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(step.view(parameter.shape), alpha=-group["lr"] * length)

    def _direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """The gradient (rows, columns), smoothed by Nesterov's momentum."""
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum).flatten(1)


def orthogonalize(matrix: Tensor) -> Tensor:
    """Carry the singular values of a matrix (rows, columns) of any scale to between about 0.7 and 1.2.

    Those below some thousandths of its norm stay smaller; a matrix of zeros stays one.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalize(matrix.mT).mT
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-20)
    # The quintic of x is a polynomial of its Gram matrix, times x: all iterations are done on the smaller matrix.
    gram = x @ x.mT
    product = identity = torch.eye(len(gram), dtype=x.dtype, device=x.device)
    for _ in range(ITERATIONS):
        factor = a * identity + b * gram + c * (gram @ gram)
        product = factor @ product
        gram = factor @ gram @ factor
    return product @ x
