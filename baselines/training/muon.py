"""Muon: an optimizer whose steps move every direction of a weight matrix equally far.

In a gradient a few large directions dominate the many small ones. Muon replaces the momentum of each matrix by the
nearest (semi-)orthogonal matrix, computed by a Newton-Schulz iteration.

`torch.optim.Muon` always computes in bfloat16: on a CPU without bfloat16 instructions, a step of this project's network
took 730 ms instead of 20 to 30 in float32. It also refuses convolutions.

Source: Jordan et al. (2024), https://kellerjordan.github.io/posts/muon; step length from Liu et al. (2025), "Muon is
scalable for LLM training", arXiv 2502.16982.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from baselines.models.threads import run_all

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic x -> a x + b x^3 + c x^5, which moves singular values towards 1, small ones quickly."""
ITERATIONS = 5
"""Iterations of the quintic; each multiplies small singular values by 3.4."""


class Muon(torch.optim.Optimizer):
    """Muon for matrices and convolutions; vectors need another optimizer."""

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        """Check the parameters.

        Args:
            params: Matrices (rows, columns); of further dimensions, all but the first count as columns.
            lr: Learning rate on AdamW's scale: the root mean square of a step's entries is about 0.2 times it.
            momentum: Decay of Nesterov's momentum.
            weight_decay: Decoupled weight decay, as in AdamW.

        Raises:
            ValueError: If a parameter is a vector.
        """
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim < 2:
                    shape = tuple(parameter.shape)
                    raise ValueError(f"Muon needs matrices, got a parameter of shape {shape}; give it to AdamW")

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Update all parameters that have a gradient."""
        assert closure is None, "closures are not supported"
        jobs = [
            partial(self._update, parameter, **{name: group[name] for name in ("lr", "momentum", "weight_decay")})
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        run_all(jobs)

    def _update(self, parameter: nn.Parameter, lr: float, momentum: float, weight_decay: float) -> None:
        step = orthogonalize(self._direction(parameter, momentum))
        # The entries of a semi-orthogonal matrix have root mean square 1 / sqrt(longer side).
        length = 0.2 * max(step.shape) ** 0.5
        parameter.mul_(1 - lr * weight_decay)
        parameter.add_(step.view(parameter.shape), alpha=-lr * length)

    def _direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """Return the gradient (rows, columns) with Nesterov's momentum."""
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum).flatten(1)


def orthogonalize(matrix: Tensor) -> Tensor:
    """Move the singular values of a matrix (rows, columns) of any scale to between about 0.7 and 1.2.

    Singular values below a few thousandths of the norm stay smaller; a zero matrix stays zero.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonalize(matrix.mT).mT
    a, b, c = COEFFICIENTS
    x = matrix / (matrix.norm() + 1e-20)
    # The quintic of x is a polynomial of its Gram matrix times x, so all iterations use the smaller matrix.
    gram = x @ x.mT
    identity = torch.eye(len(gram), dtype=x.dtype, device=x.device)
    product = factor = a * identity + b * gram + c * (gram @ gram)
    for _ in range(ITERATIONS - 1):
        gram = factor @ gram @ factor
        factor = a * identity + b * gram + c * (gram @ gram)
        product = factor @ product
    return product @ x
