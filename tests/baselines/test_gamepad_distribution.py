import itertools
import math

import numpy as np
import pytest
import torch

from baselines.gamepad_distribution import ACTIONS, LOGITS, entropy, kl, log_prob, sample


def logits_of(*shape, seed=0, scale=2.0):
    return scale * torch.randn(*shape, LOGITS, generator=torch.Generator().manual_seed(seed))


def actions_of(*shape, seed=0):
    random = np.random.default_rng(seed)
    actions = np.concatenate([random.integers(0, 11, (*shape, 4)), random.integers(0, 2, (*shape, 12))], axis=-1)
    return torch.from_numpy(actions.astype(np.uint8))


def factors(logits):
    """The 16 probability vectors of one row of logits, in NumPy and float64."""
    logits = logits.double().numpy()
    axes = [np.exp(axis) / np.exp(axis).sum() for axis in logits[:44].reshape(4, 11)]
    return axes + [np.array([1 - p, p]) for p in 1 / (1 + np.exp(-logits[44:]))]


def test_against_the_definitions():
    logits, reference, actions = logits_of(6), logits_of(6, seed=1), actions_of(6)
    for row in range(6):
        p, q = factors(logits[row]), factors(reference[row])
        expected = sum(math.log(f[a]) for f, a in zip(p, actions[row].tolist(), strict=True))
        assert log_prob(logits, actions)[row].item() == pytest.approx(expected, rel=1e-5)
        assert entropy(logits)[row].item() == pytest.approx(-sum((f * np.log(f)).sum() for f in p), rel=1e-5)
        expected = sum((f * np.log(f / g)).sum() for f, g in zip(p, q, strict=True))
        assert kl(logits, reference)[row].item() == pytest.approx(expected, rel=1e-5)


def test_probabilities_of_all_actions_of_two_factors_sum_to_one():
    logits = logits_of(1)
    actions = torch.zeros(22, ACTIONS, dtype=torch.uint8)
    for row, (bucket, pressed) in enumerate(itertools.product(range(11), range(2))):
        actions[row, 2], actions[row, 15] = bucket, pressed
    first = log_prob(logits, actions[:1])
    p = factors(logits[0])
    assert (log_prob(logits.expand(22, -1), actions) - first).exp().sum().item() == pytest.approx(
        1 / (p[2][0] * p[15][0]), rel=1e-5
    )


def test_kl_of_equals_is_zero_and_of_others_is_not():
    logits = logits_of(5)
    assert torch.equal(kl(logits, logits), torch.zeros(5))
    assert (kl(logits, logits_of(5, seed=1)) > 0).all()


def test_gradient_of_log_prob_is_the_score():
    # The expected score is zero: the gradient of the log-probability, averaged over the policy's own samples, vanishes.
    logits = logits_of(1, scale=1.0).expand(40_000, -1).clone().requires_grad_()
    uniforms = torch.rand(40_000, ACTIONS, generator=torch.Generator().manual_seed(1))
    log_prob(logits, sample(logits.detach(), uniforms)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.mean(0).abs().max() < 5 * 0.5 / math.sqrt(40_000)


def test_samples_follow_the_probabilities():
    count = 50_000
    uniforms = torch.rand(count, ACTIONS, generator=torch.Generator().manual_seed(2))
    logits = logits_of(1)
    for temperature in (1.0, 0.5):
        actions = sample(logits.expand(count, -1), uniforms, temperature).numpy()
        for column, probabilities in enumerate(factors(logits[0] / temperature)):
            seen = np.bincount(actions[:, column], minlength=len(probabilities)) / count
            assert np.abs(seen - probabilities).max() < 5 * 0.5 / math.sqrt(count)


def test_samples_stay_in_range_at_the_ends():
    logits = torch.cat([logits_of(50, scale=30.0), torch.full((1, LOGITS), 1e4), torch.full((1, LOGITS), -1e4)])
    for uniform in (0.0, float(np.nextafter(np.float32(1), np.float32(0)))):
        actions = sample(logits, torch.full((len(logits), ACTIONS), uniform))
        assert actions.dtype == torch.uint8
        assert actions[:, :4].max() <= 10 and actions[:, 4:].max() <= 1
        assert log_prob(logits, actions).isfinite().all()
    assert (sample(logits[-2:], torch.full((2, ACTIONS), 0.5))[:, 4:] == torch.tensor([[1], [0]])).all()


def test_a_row_does_not_depend_on_its_company():
    logits, uniforms = logits_of(9), torch.rand(9, ACTIONS)
    together = sample(logits, uniforms)
    alone = torch.cat([sample(logits[i : i + 1], uniforms[i : i + 1]) for i in range(9)])
    assert torch.equal(together, alone)


def test_half_precision_logits_are_summed_in_float32():
    logits, actions = logits_of(7).bfloat16(), actions_of(7)
    with torch.autocast("cpu", torch.bfloat16):
        results = log_prob(logits, actions), entropy(logits), kl(logits, logits_of(7, seed=1).bfloat16())
    exact = logits.float()
    expected = log_prob(exact, actions), entropy(exact), kl(exact, logits_of(7, seed=1).bfloat16().float())
    for result, reference in zip(results, expected, strict=True):
        assert result.dtype == torch.float32
        assert torch.equal(result, reference)


def test_what_has_no_probability_is_never_drawn():
    logits = torch.zeros(1, LOGITS)
    logits[:, [0, 10]] = -1e4  # of the first axis, the first and the last bucket
    logits[:, 44] = -1e4  # the first button
    for uniform, bucket in ((0.0, 1), (float(np.nextafter(np.float32(1), np.float32(0))), 9)):
        actions = sample(logits, torch.full((1, ACTIONS), uniform))
        assert (actions[0, 0], actions[0, 4]) == (bucket, 0)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="temperature"):
        sample(logits_of(1), torch.zeros(1, ACTIONS), temperature)
