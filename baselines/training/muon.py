"""Muon: an optimizer whose steps move every direction of a weight matrix equally far.

In a gradient a few large directions dominate the many small ones. Muon replaces the momentum of each matrix by the
nearest (semi-)orthogonal matrix, computed by a Newton-Schulz iteration.

`torch.optim.Muon` always computes in bfloat16: on a CPU without bfloat16 instructions, a step of this project's network
took 730 ms instead of 20 to 30 in float32. It also refuses convolutions.

Source: Jordan et al. (2024), https://kellerjordan.github.io/posts/muon; step length from Liu et al. (2025), "Muon is
scalable for LLM training", arXiv 2502.16982.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from baselines.models.threads import run_all

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic x -> a x + b x^3 + c x^5, which moves singular values towards 1, small ones quickly."""
ITERATIONS = 5
"""Iterations of the quintic; each multiplies small singular values by 3.4."""
STACKED = 4
"""Most matrices in a job for one thread."""


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
        jobs = []
        for group in self.param_groups:
            settings = {name: group[name] for name in ("lr", "momentum", "weight_decay")}
            given = [parameter for parameter in group["params"] if parameter.grad is not None]
            for alike in _by_short_side(given):
                parts = [alike[first : first + STACKED] for first in range(0, len(alike), STACKED)]
                jobs += [partial(self._update, part, **settings) for part in parts]
        run_all(jobs)

    def _update(self, parameters: list[nn.Parameter], lr: float, momentum: float, weight_decay: float) -> None:
        steps = orthogonalize([self._direction(parameter, momentum) for parameter in parameters])
        for parameter, step in zip(parameters, steps, strict=True):
            # The entries of a semi-orthogonal matrix have root mean square 1 / sqrt(longer side).
            length = 0.2 * max(step.shape) ** 0.5
            parameter.mul_(1 - lr * weight_decay)
            parameter.add_(step.reshape(parameter.shape), alpha=-lr * length)

    def _direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """Return the gradient (rows, columns) with Nesterov's momentum."""
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum).flatten(1)


def orthogonalize(matrices: Sequence[Tensor]) -> list[Tensor]:
    """Moves the singular values of matrices, of any scale, to between about 0.7 and 1.2.

    Singular values below a few thousandths of the norm stay smaller; a zero matrix stays zero.

    Args:
        matrices: (rows, columns) each; the shorter side of all is the same.
    """
    a, b, c = COEFFICIENTS
    wide = [matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    scaled = [matrix / (matrix.norm() + 1e-20) for matrix in wide]
    # The quintic of x is a polynomial of its Gram matrix times x, so all iterations use the smaller matrices, which
    # have one size: a stack of them needs as many operations as one.
    gram = torch.stack([x @ x.mT for x in scaled])

    def quintic(gram: Tensor) -> Tensor:
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        return factor

    product = factor = quintic(gram)
    for _ in range(ITERATIONS - 1):
        gram = factor @ gram @ factor
        factor = quintic(gram)
        product = factor @ product
    steps = [one @ x for one, x in zip(product, scaled, strict=True)]
    return [step.mT if step.shape != matrix.shape else step for step, matrix in zip(steps, matrices, strict=True)]


def _by_short_side(parameters: Iterable[nn.Parameter]) -> list[list[nn.Parameter]]:
    """Returns the parameters in lists, by the shorter side of their matrices."""
    lists: dict[int, list[nn.Parameter]] = {}
    for parameter in parameters:
        lists.setdefault(min(parameter.flatten(1).shape), []).append(parameter)
    return list(lists.values())
