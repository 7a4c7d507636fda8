import math

import numpy as np
import pytest
import torch

from baselines.models.gamepad_distribution import (
    ACTIONS,
    COMPONENT_LOGITS,
    UNIFORMS,
    entropy,
    kl,
    log_prob,
    sample,
    sample_component,
)

ALMOST_ONE = float(np.nextafter(np.float32(1), np.float32(0)))


def logits_of(*shape, components=3, seed=0, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, components * COMPONENT_LOGITS, generator=generator)


def actions_of(*shape, seed=0):
    random = np.random.default_rng(seed)
    actions = np.concatenate([random.integers(0, 11, (*shape, 4)), random.integers(0, 2, (*shape, 12))], axis=-1)
    return torch.from_numpy(actions.astype(np.uint8))


def components_of(logits):
    """Weight and the 16 probability vectors of each component of one row of logits, in NumPy and float64."""
    rows = logits.double().numpy().reshape(-1, COMPONENT_LOGITS)
    weights = np.exp(rows[:, 0]) / np.exp(rows[:, 0]).sum()
    result = []
    for weight, row in zip(weights, rows, strict=True):
        axes = [np.exp(axis) / np.exp(axis).sum() for axis in row[1:45].reshape(4, 11)]
        result.append((weight, axes + [np.array([1 - p, p]) for p in 1 / (1 + np.exp(-row[45:]))]))
    return result


def draw(logits, uniforms, temperature=1.0):
    return sample(logits, uniforms, sample_component(logits, uniforms, temperature), temperature)


def probability(logits, action):
    return sum(
        w * math.prod(f[a] for f, a in zip(factors, action, strict=True)) for w, factors in components_of(logits)
    )


@pytest.mark.parametrize("components", [1, 3])
def test_against_the_definitions(components):
    logits, reference = logits_of(6, components=components), logits_of(6, components=components, seed=1)
    actions = actions_of(6)
    for row in range(6):
        expected = math.log(probability(logits[row], actions[row].tolist()))
        assert log_prob(logits, actions)[row].item() == pytest.approx(expected, rel=1e-5)
        both = list(zip(components_of(logits[row]), components_of(reference[row]), strict=True))
        joint = -sum(w * (math.log(w) + sum((f * np.log(f)).sum() for f in p)) for w, p in components_of(logits[row]))
        assert entropy(logits, actions)[row].item() == pytest.approx(joint, rel=1e-5)
        joint = sum(
            w * (math.log(w / v) + sum((f * np.log(f / g)).sum() for f, g in zip(p, q, strict=True)))
            for (w, p), (v, q) in both
        )
        assert kl(logits, reference, actions)[row].item() == pytest.approx(joint, rel=1e-5)


def test_kl_bounds_that_of_the_actions_and_vanishes_at_equality():
    logits, reference = logits_of(1, scale=1.0), logits_of(1, seed=1, scale=1.0)
    uniforms = torch.rand(200_000, UNIFORMS, generator=torch.Generator().manual_seed(3))
    p, q = logits.expand(200_000, -1), reference.expand(200_000, -1)
    actions = draw(p, uniforms)
    of_actions = (log_prob(p, actions) - log_prob(q, actions)).mean()
    assert 0 < of_actions <= kl(logits, reference, actions_of(1)).item() + 0.05
    assert torch.allclose(kl(logits, logits, actions_of(1)), torch.zeros(1), atol=1e-6)


def test_entropy_lies_within_log_m_of_the_actions_entropy():
    logits = logits_of(1, scale=1.0)
    uniforms = torch.rand(200_000, UNIFORMS, generator=torch.Generator().manual_seed(4))
    rows = logits.expand(200_000, -1)
    of_actions = -log_prob(rows, draw(rows, uniforms)).mean().item()
    assert of_actions - 0.05 <= entropy(logits, actions_of(1)).item() <= of_actions + math.log(3) + 0.05


def test_a_mixture_never_mixes_what_belongs_together():
    # Two components: stick hard left with A, or hard right with B. Independent factors would draw left with B, too.
    logits = torch.full((1, 2, COMPONENT_LOGITS), -30.0)
    logits[0, :, 0] = 0.0
    logits[0, :, [1 + 11 + 5, 1 + 22 + 5, 1 + 33 + 5]] = 30.0
    logits[0, 0, [1 + 0, 45 + 0]] = 30.0
    logits[0, 1, [1 + 10, 45 + 1]] = 30.0
    uniforms = torch.rand(1000, UNIFORMS, generator=torch.Generator().manual_seed(5))
    actions = draw(logits.flatten(1).expand(1000, -1), uniforms)
    seen = {(int(a[0]), int(a[4]), int(a[5])) for a in actions}
    assert seen == {(0, 1, 0), (10, 0, 1)}
    assert abs((actions[:, 0] == 0).float().mean() - 0.5) < 0.08


def test_gradient_of_log_prob_is_the_score():
    # The expected score is zero: the gradient of the log-probability, averaged over the policy's own samples, vanishes.
    logits = logits_of(1, scale=1.0).expand(40_000, -1).clone().requires_grad_()
    uniforms = torch.rand(40_000, UNIFORMS, generator=torch.Generator().manual_seed(1))
    log_prob(logits, draw(logits.detach(), uniforms)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.mean(0).abs().max() < 5 * 0.5 / math.sqrt(40_000)


def test_samples_follow_the_probabilities():
    count = 50_000
    uniforms = torch.rand(count, UNIFORMS, generator=torch.Generator().manual_seed(2))
    logits = logits_of(1)
    for temperature in (1.0, 0.5):
        actions = draw(logits.expand(count, -1), uniforms, temperature).numpy()
        parts = components_of(logits[0] / temperature)
        for column in range(ACTIONS):
            expected = np.sum([weight * factors[column] for weight, factors in parts], axis=0)
            seen = np.bincount(actions[:, column], minlength=len(expected)) / count
            assert np.abs(seen - expected).max() < 5 * 0.5 / math.sqrt(count)


def test_samples_stay_in_range_at_the_ends():
    width = 2 * COMPONENT_LOGITS
    extremes = torch.full((1, width), 1e4), torch.full((1, width), -1e4)
    logits = torch.cat([logits_of(50, components=2, scale=30.0), *extremes])
    for uniform in (0.0, ALMOST_ONE):
        actions = draw(logits, torch.full((len(logits), UNIFORMS), uniform))
        assert actions.dtype == torch.uint8
        assert actions[:, :4].max() <= 10 and actions[:, 4:].max() <= 1
        assert log_prob(logits, actions).isfinite().all()
    assert (draw(logits[-2:], torch.full((2, UNIFORMS), 0.5))[:, 4:] == torch.tensor([[1], [0]])).all()


def test_a_row_does_not_depend_on_its_company():
    logits, uniforms = logits_of(9), torch.rand(9, UNIFORMS)
    together = draw(logits, uniforms)
    alone = torch.cat([draw(logits[i : i + 1], uniforms[i : i + 1]) for i in range(9)])
    assert torch.equal(together, alone)


def test_half_precision_logits_are_summed_in_float32():
    logits, other, actions = logits_of(7).bfloat16(), logits_of(7, seed=1).bfloat16(), actions_of(7)
    with torch.autocast("cpu", torch.bfloat16):
        results = log_prob(logits, actions), entropy(logits, actions), kl(logits, other, actions)
    exact = logits.float()
    expected = log_prob(exact, actions), entropy(exact, actions), kl(exact, other.float(), actions)
    for result, reference in zip(results, expected, strict=True):
        assert result.dtype == torch.float32
        assert torch.equal(result, reference)


def test_what_has_no_probability_is_never_drawn():
    logits = torch.zeros(1, COMPONENT_LOGITS)
    logits[:, [1, 11]] = -1e4  # of the first axis, the first and the last bucket
    logits[:, 45] = -1e4  # the first button
    for uniform, bucket in ((0.0, 1), (ALMOST_ONE, 9)):
        actions = draw(logits, torch.full((1, UNIFORMS), uniform))
        assert (actions[0, 0], actions[0, 4]) == (bucket, 0)


def chunk_probability(logits, actions):
    """Of some steps (T, M * 57) with one and the same component, by the definition."""
    steps = [components_of(row) for row in logits]
    return sum(
        weight
        * math.prod(
            f[a]
            for parts, action in zip(steps, actions.tolist(), strict=True)
            for f, a in zip(parts[index][1], action, strict=True)
        )
        for index, (weight, _) in enumerate(steps[0])
    )


@pytest.mark.parametrize("hold", [1, 2, 3, 7, 20])
def test_held_components_against_the_definition(hold):
    logits, actions = logits_of(2, 7, scale=1.0), actions_of(2, 7)
    each = log_prob(logits, actions, hold)
    assert each.shape == (2, 7)
    for row in range(2):
        for end in range(1, 8):  # an episode may end in the middle of a chunk
            chunks = [slice(start, min(start + hold, end)) for start in range(0, end, hold)]
            expected = sum(math.log(chunk_probability(logits[row, c], actions[row, c])) for c in chunks)
            assert each[row, :end].sum().item() == pytest.approx(expected, rel=1e-5)


def test_later_actions_do_not_change_earlier_probabilities():
    logits, actions = logits_of(1, 9), actions_of(1, 9)
    changed = actions.clone()
    changed[:, 5:] = actions_of(1, 4, seed=9)
    for function in (log_prob, entropy, lambda *rest: kl(rest[0], logits_of(1, 9, seed=4), *rest[1:])):
        before, after = function(logits, actions, 4), function(logits, changed, 4)
        assert torch.equal(before[:, :5], after[:, :5])


def test_held_entropy_and_kl_are_expectations_of_the_log_probability():
    # Components that cannot be confused: then the pair of component and actions is the actions alone.
    steps, hold, count = 5, 3, 20_000
    logits, reference = logits_of(1, steps, scale=0.7), logits_of(1, steps, scale=0.7, seed=1)
    for given in (logits, reference):
        parts = given.view(1, steps, 3, COMPONENT_LOGITS)
        parts[..., 1 : 1 + 11] = -40.0
        for component in range(3):
            parts[:, :, component, 1 + 3 * component] = 40.0
    generator = torch.Generator().manual_seed(7)
    rows, component, actions = logits.expand(count, -1, -1), torch.zeros(count, dtype=torch.int64), []
    for step in range(steps):
        uniforms = torch.rand(count, UNIFORMS, generator=generator)
        if step % hold == 0:
            component = sample_component(rows[:, step], uniforms)
        actions.append(sample(rows[:, step], uniforms, component))
    actions = torch.stack(actions, dim=1)
    ours = log_prob(rows, actions, hold).sum(1)
    theirs = log_prob(reference.expand(count, -1, -1), actions, hold).sum(1)
    error = 5 / math.sqrt(count)
    assert entropy(rows, actions, hold).sum(1).mean().item() == pytest.approx(
        -ours.mean().item(), abs=error * ours.std().item()
    )
    difference = ours - theirs
    assert kl(rows, reference.expand(count, -1, -1), actions, hold).sum(1).mean().item() == pytest.approx(
        difference.mean().item(), abs=error * difference.std().item()
    )


def test_the_expected_score_of_held_components_vanishes():
    steps, hold, count = 4, 2, 40_000
    logits = logits_of(1, steps, scale=1.0).expand(count, -1, -1).clone().requires_grad_()
    generator = torch.Generator().manual_seed(8)
    component, actions = torch.zeros(count, dtype=torch.int64), []
    for step in range(steps):
        uniforms = torch.rand(count, UNIFORMS, generator=generator)
        if step % hold == 0:
            component = sample_component(logits.detach()[:, step], uniforms)
        actions.append(sample(logits.detach()[:, step], uniforms, component))
    log_prob(logits, torch.stack(actions, dim=1), hold).sum().backward()
    assert logits.grad is not None
    assert logits.grad.mean(0).abs().max() < 5 * 0.5 / math.sqrt(count)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="temperature"):
        sample_component(logits_of(1), torch.zeros(1, UNIFORMS), temperature)
    with pytest.raises(ValueError, match="temperature"):
        sample(logits_of(1), torch.zeros(1, UNIFORMS), torch.zeros(1, dtype=torch.int64), temperature)
