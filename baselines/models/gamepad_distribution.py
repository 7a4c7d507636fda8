"""The distribution over gamepad actions: a mixture of components, each factorized into 4 stick axes and 12 buttons.

An action is 16 integers, `(..., 16)`: the buckets of the axes, then the buttons (0 or 1). Within a component all 16
are independent. A single component cannot represent "either run straight on, or attack and circle": sampled factor by
factor, it does half of each, which no demonstrator does, and the episode goes off course. A mixture can.

A component may be kept for some steps after it is drawn (`hold`), while it keeps reading the screen: a choice lasts
until its consequences are visible. A policy that draws at every step does not know its earlier draws, so it abandons
most rare choices before they show, and the most frequent choice wins. The likelihood stays exact, see `_belief`.

The network emits M x 57 logits: per component one for its weight, 4 x 11 categorical and 12 Bernoulli. All functions
are pure and compute in float32, whatever the precision of the logits: a log-probability is a sum of 16 terms, and
bfloat16 has only about three digits.

Source: paper, section 3 (gamepad actions discretized into 11 buckets per axis). Deviation: the paper's heads are
independent, which is one component; docs/method.md shows what the mixture changes.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

AXES = 4
BUCKETS = 11
BUTTONS = 12
ACTIONS = AXES + BUTTONS
UNIFORMS = 1 + ACTIONS
"""Random numbers per action: one for the component, one for each factor."""
COMPONENT_LOGITS = 1 + AXES * BUCKETS + BUTTONS


def split(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Split logits (..., M * 57) into log-weights (..., M), axes (..., M, 4, 11) and buttons (..., M, 12), float32."""
    components, rest = divmod(logits.shape[-1], COMPONENT_LOGITS)
    assert components > 0 and rest == 0, f"expected a multiple of {COMPONENT_LOGITS} logits, got {tuple(logits.shape)}"
    parts = logits.float().unflatten(-1, (components, COMPONENT_LOGITS))
    weights, axes, buttons = parts.split([1, AXES * BUCKETS, BUTTONS], dim=-1)
    return weights.squeeze(-1).log_softmax(-1), axes.unflatten(-1, (AXES, BUCKETS)), buttons


def log_prob(logits: Tensor, actions: Tensor, hold: int = 1) -> Tensor:
    """Log-probability of each action given the earlier ones, in nats; the sum over steps is the episode's.

    Args:
        logits: (..., T, M * 57).
        actions: (..., T, 16), any integer dtype.
        hold: Steps for which a component is kept.

    Returns:
        (..., T) float32.
    """
    weights, axes, buttons = split(logits)
    each = _log_prob_of_each(axes, buttons, actions)
    return (_belief(weights, each, hold) + each).logsumexp(-1)


def entropy(logits: Tensor, actions: Tensor, hold: int = 1) -> Tensor:
    """Joint entropy (..., T) float32 of component and action, in nats; for the arguments see `log_prob`.

    Summed over the steps for which a component is kept, it equals the entropy of the actions if the components do not
    overlap, and exceeds it by at most log M otherwise.
    """
    weights, axes, buttons = split(logits)
    belief = _belief(weights, _log_prob_of_each(axes, buttons, actions), hold).exp()
    axes_log = axes.log_softmax(-1)
    pressed = buttons.sigmoid()
    buttons_entropy = -(pressed * logsigmoid(buttons) + (1 - pressed) * logsigmoid(-buttons))
    each = -(axes_log.exp() * axes_log).sum((-1, -2)) + buttons_entropy.sum(-1)  # (..., T, M)
    return (belief * each).sum(-1) + _where_drawn(-(weights.exp() * weights).sum(-1), hold)


def kl(logits: Tensor, reference_logits: Tensor, actions: Tensor, hold: int = 1) -> Tensor:
    """Joint KL(policy || reference) (..., T) float32 of component and action, in nats; see `log_prob`.

    By the chain rule it is exact for the pair; summed over the steps for which a component is kept, it is an upper
    bound for the actions alone. It is zero if both are equal. No gradient flows through the belief about the component,
    because earlier actions are given.
    """
    weights, axes, buttons = split(logits)
    reference_weights, reference_axes, reference_buttons = split(reference_logits)
    belief = _belief(weights, _log_prob_of_each(axes, buttons, actions).detach(), hold).exp()
    axes_log = axes.log_softmax(-1)
    axes_kl = axes_log.exp() * (axes_log - reference_axes.log_softmax(-1))
    pressed = buttons.sigmoid()
    buttons_kl = pressed * (logsigmoid(buttons) - logsigmoid(reference_buttons))
    buttons_kl = buttons_kl + (1 - pressed) * (logsigmoid(-buttons) - logsigmoid(-reference_buttons))
    each = axes_kl.sum((-1, -2)) + buttons_kl.sum(-1)  # (..., T, M)
    return (belief * each).sum(-1) + _where_drawn((weights.exp() * (weights - reference_weights)).sum(-1), hold)


def _log_prob_of_each(axes: Tensor, buttons: Tensor, actions: Tensor) -> Tensor:
    """Log-probability (..., M) of actions (..., 16) within each component."""
    assert actions.shape == (*buttons.shape[:-2], ACTIONS), f"{tuple(actions.shape)} against {tuple(buttons.shape)}"
    chosen = actions[..., None, :AXES].long().expand(axes.shape[:-1])
    # Buckets first: on a CPU PyTorch computes rows of a few numbers one by one.
    axes_log = axes.movedim(-1, 0).contiguous().log_softmax(0)
    axes_log_prob = axes_log.gather(0, chosen[None]).squeeze(0).sum(-1)
    sign = 2.0 * actions[..., None, AXES:].float() - 1.0
    return axes_log_prob + logsigmoid(sign * buttons).sum(-1)


def _belief(weights: Tensor, each: Tensor, hold: int) -> Tensor:
    """Log-probability (..., T, M) of each component being the acting one, given the actions since it was drawn.

    Args:
        weights: (..., T, M) log-weights; only those at steps 0, hold, 2 * hold, ... are used, where a draw happens.
        each: (..., T, M) log-probability of the action within each component.
        hold: Steps for which a component is kept.
    """
    if hold == 1:
        return weights
    steps = weights.shape[-2]
    missing = -steps % hold
    weights, each = (pad(tensor, (0, 0, 0, missing)).unflatten(-2, (-1, hold)) for tensor in (weights, each))
    evidence = each.cumsum(-2) - each
    belief = (weights[..., :1, :] + evidence).log_softmax(-1)
    return belief.flatten(-3, -2)[..., :steps, :]


def _where_drawn(values: Tensor, hold: int) -> Tensor:
    """Values (..., T) at the steps where a component is drawn, zero elsewhere."""
    if hold == 1:
        return values
    drawn = torch.arange(values.shape[-1], device=values.device) % hold == 0
    return values * drawn


def sample_component(logits: Tensor, uniforms: Tensor, temperature: float = 1.0) -> Tensor:
    """Sample components (...) int64 by inverting their cumulative weights; for the arguments see `sample`."""
    weights, _, _ = split(_cool(logits, temperature))
    return _invert(weights.exp(), uniforms[..., 0].float())


def sample(logits: Tensor, uniforms: Tensor, component: Tensor, temperature: float = 1.0) -> Tensor:
    """Sample actions within components by inverting the cumulative distributions at the given uniforms.

    The caller provides the randomness, so each episode has its own, however episodes are packed into batches.

    Args:
        logits: (..., M * 57).
        uniforms: (..., 17) in [0, 1); the first is for `sample_component`.
        component: (...) int64.
        temperature: Divides the logits; above 0.

    Returns:
        (..., 16) uint8.

    Raises:
        ValueError: If the temperature is not above 0.
    """
    _, axes, buttons = split(_cool(logits, temperature))
    uniforms = uniforms.float()
    pick = component[..., None, None]
    axes = axes.gather(-3, pick[..., None].expand(*pick.shape[:-2], 1, AXES, BUCKETS)).squeeze(-3)
    buttons = buttons.gather(-2, pick.expand(*pick.shape[:-2], 1, BUTTONS)).squeeze(-2)
    buckets = _invert(axes.softmax(-1), uniforms[..., 1 : 1 + AXES])
    pressed = uniforms[..., 1 + AXES :] < buttons.sigmoid()
    return torch.cat([buckets.to(torch.uint8), pressed.to(torch.uint8)], dim=-1)


def _cool(logits: Tensor, temperature: float) -> Tensor:
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    return logits.float() / temperature


def _invert(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """Index (...) int64 at which the cumulative probabilities (..., n) exceed the uniforms (...)."""
    # The last edge is 1 up to rounding; without it, a uniform just below 1 cannot give an index out of range.
    edges = probabilities.cumsum(-1)[..., :-1]
    return (uniforms[..., None] >= edges).sum(-1)
