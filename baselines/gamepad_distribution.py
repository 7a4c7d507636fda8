"""The distribution over gamepad actions: 4 stick axes of 11 buckets and 12 buttons, all independent given the logits.

An action is 16 integers, `(..., 16)`: the buckets of the axes, then the buttons (0 or 1). The network emits 56 numbers:
4 x 11 categorical logits, then 12 Bernoulli logits. All functions are pure and compute in float32, whatever the
precision of the logits: a log-probability is a sum of 16 terms, and bfloat16 keeps only three digits.

Source: paper, section 3 (gamepad actions discretized into 11 buckets per axis).
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

AXES = 4
BUCKETS = 11
BUTTONS = 12
ACTIONS = AXES + BUTTONS
LOGITS = AXES * BUCKETS + BUTTONS


def split(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Split logits (..., 56) into the axes' (..., 4, 11) and the buttons' (..., 12), both float32."""
    assert logits.shape[-1] == LOGITS, f"expected logits of width {LOGITS}, got shape {tuple(logits.shape)}"
    axes, buttons = logits.float().split([AXES * BUCKETS, BUTTONS], dim=-1)
    return axes.unflatten(-1, (AXES, BUCKETS)), buttons


def log_prob(logits: Tensor, actions: Tensor) -> Tensor:
    """Log-probability of actions, in nats, summed over the 16 factors.

    Args:
        logits: (..., 56).
        actions: (..., 16), any integer dtype.

    Returns:
        (...) float32.
    """
    assert actions.shape == (*logits.shape[:-1], ACTIONS), f"{tuple(actions.shape)} against {tuple(logits.shape)}"
    axes, buttons = split(logits)
    chosen = actions[..., :AXES].long().unsqueeze(-1)
    axes_log_prob = axes.log_softmax(-1).gather(-1, chosen).squeeze(-1).sum(-1)
    sign = 2.0 * actions[..., AXES:].float() - 1.0
    return axes_log_prob + logsigmoid(sign * buttons).sum(-1)


def entropy(logits: Tensor) -> Tensor:
    """Entropy in nats, summed over the factors: (..., 56) to (...) float32."""
    axes, buttons = split(logits)
    axes_log = axes.log_softmax(-1)
    pressed = buttons.sigmoid()
    buttons_entropy = -(pressed * logsigmoid(buttons) + (1 - pressed) * logsigmoid(-buttons))
    return -(axes_log.exp() * axes_log).sum((-1, -2)) + buttons_entropy.sum(-1)


def kl(logits: Tensor, reference_logits: Tensor) -> Tensor:
    """Exact KL(policy || reference) in nats, summed over the factors: twice (..., 56) to (...) float32."""
    axes, buttons = split(logits)
    reference_axes, reference_buttons = split(reference_logits)
    axes_log = axes.log_softmax(-1)
    axes_kl = axes_log.exp() * (axes_log - reference_axes.log_softmax(-1))
    pressed = buttons.sigmoid()
    buttons_kl = pressed * (logsigmoid(buttons) - logsigmoid(reference_buttons))
    buttons_kl = buttons_kl + (1 - pressed) * (logsigmoid(-buttons) - logsigmoid(-reference_buttons))
    return axes_kl.sum((-1, -2)) + buttons_kl.sum(-1)


def sample(logits: Tensor, uniforms: Tensor, temperature: float = 1.0) -> Tensor:
    """Draw actions by inverting the cumulative distribution at the given uniforms.

    The randomness comes from outside so that each episode brings its own, however episodes are packed into batches.

    Args:
        logits: (..., 56).
        uniforms: (..., 16) in [0, 1).
        temperature: Divides the logits; above 0, and 1.0 is the policy itself.

    Returns:
        (..., 16) uint8.

    Raises:
        ValueError: If the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    axes, buttons = split(logits.float() / temperature)
    uniforms = uniforms.float()
    # The last edge is 1 up to rounding: leaving it out keeps a uniform just below 1 from naming a twelfth bucket.
    edges = axes.softmax(-1).cumsum(-1)[..., :-1]
    buckets = (uniforms[..., :AXES, None] >= edges).sum(-1)
    pressed = uniforms[..., AXES:] < buttons.sigmoid()
    return torch.cat([buckets.to(torch.uint8), pressed.to(torch.uint8)], dim=-1)
