"""The losses of all stages against ten lines of NumPy and closed forms."""

import itertools
import math

import numpy as np
import pytest
import torch

from baselines.align.reinforce import reinforce_loss
from baselines.models import gamepad_distribution
from baselines.models.batches import Batch
from baselines.reward import bradley_terry_loss
from baselines.training.imitation import imitation_loss


def random_batch(lengths, steps, seed=0):
    random = np.random.default_rng(seed)
    actions = random.integers(0, 2, size=(len(lengths), steps, 16)).astype(np.uint8)
    frames = torch.zeros(len(lengths), steps, 1, 1, 3, dtype=torch.uint8)
    return Batch(frames, torch.from_numpy(actions), torch.tensor(lengths))


def random_logits(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, 2 * gamepad_distribution.COMPONENT_LOGITS, generator=generator)


def test_imitation_is_the_mean_over_real_steps():
    batch, logits = random_batch([2, 4], 4), random_logits(2, 4)
    each = gamepad_distribution.log_prob(logits, batch.actions, 3).numpy()
    expected = -np.mean(np.concatenate([each[0, :2], each[1, :4]]))
    assert imitation_loss(logits, batch, 3).item() == pytest.approx(expected, rel=1e-6)


def test_padding_never_changes_the_imitation_loss():
    batch, logits = random_batch([2, 4], 4), random_logits(2, 4)
    longer = torch.cat([logits, 100 * random_logits(2, 3, seed=1)], dim=1)
    padded = Batch(
        torch.zeros(2, 7, 1, 1, 3, dtype=torch.uint8),
        torch.cat([batch.actions, torch.ones(2, 3, 16, dtype=torch.uint8)], dim=1),
        batch.lengths,
    )
    assert torch.allclose(imitation_loss(logits, batch, 3), imitation_loss(longer, padded, 3), rtol=1e-6)


def test_bradley_terry_closed_forms():
    equal = torch.zeros(5)
    assert bradley_terry_loss(equal, equal).item() == pytest.approx(math.log(2))
    chosen, rejected = torch.randn(9), torch.randn(9)
    p = 1 / (1 + np.exp(-(chosen - rejected).numpy()))
    assert bradley_terry_loss(chosen, rejected).item() == pytest.approx(-np.log(p).mean(), rel=1e-5)
    # p(a over b) and p(b over a) add up to one, and only the difference of scores matters.
    ab, ba = bradley_terry_loss(chosen[:1], rejected[:1]), bradley_terry_loss(rejected[:1], chosen[:1])
    assert (torch.exp(-ab) + torch.exp(-ba)).item() == pytest.approx(1.0)
    assert bradley_terry_loss(chosen + 7, rejected + 7).item() == pytest.approx(
        bradley_terry_loss(chosen, rejected).item(), rel=1e-4
    )


def test_reinforce_ascends_the_score():
    # A bandit of one step: the expected gradient of REINFORCE points to the arm that pays.
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=0.5)
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        arms = torch.multinomial(logits.softmax(0).detach(), 64, replacement=True, generator=generator)
        loss = reinforce_loss(logits.log_softmax(0)[arms], torch.ones(64), (arms == 1).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert logits.softmax(0)[1] > 0.95


def test_reinforce_with_older_episodes_ascends_as_with_new_ones():
    # All pairs of arms, each with its probability: the expected gradient under either policy.
    generator = torch.Generator().manual_seed(0)
    logits, older = (torch.randn(3, dtype=torch.float64, generator=generator) for _ in range(2))
    scores, steps = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64), torch.ones(2)
    logits.requires_grad_()

    def expected_gradient(behavior):
        loss = torch.zeros(())
        for pair in itertools.product(range(3), repeat=2):
            arms = torch.tensor(pair)
            chance, log_prob = behavior.softmax(0)[arms].prod(), logits.log_softmax(0)[arms]
            ratio = (log_prob.detach() - behavior.log_softmax(0)[arms]).exp()
            loss = loss + chance * reinforce_loss(log_prob, steps, scores[arms], ratio)
        return torch.autograd.grad(loss, logits)[0]

    assert torch.allclose(expected_gradient(older), expected_gradient(logits.detach()), rtol=1e-12)
    assert expected_gradient(older).abs().min() > 0.01


def test_reinforce_with_episodes_of_its_own_needs_no_ratio():
    log_prob, steps, scores = torch.randn(8), torch.full((8,), 10.0), torch.randn(8)
    assert torch.equal(reinforce_loss(log_prob, steps, scores, torch.ones(8)), reinforce_loss(log_prob, steps, scores))


def test_reinforce_magnifies_no_difference_and_is_zero_without_contrast():
    log_prob, steps, scores = torch.randn(8), torch.full((8,), 10.0), torch.randn(8)
    first = reinforce_loss(log_prob, steps, scores)
    assert torch.allclose(first / 100, reinforce_loss(log_prob, steps, scores / 100 + 7), atol=1e-6)
    assert abs(reinforce_loss(log_prob, steps, torch.full((8,), 3.0)).item()) < 1e-6


def test_reinforce_against_numpy():
    log_prob, steps, scores = torch.randn(8), torch.randint(1, 9, (8,)), torch.randn(8)
    s = scores.numpy()
    advantage = s - s.mean()
    expected = -(advantage * log_prob.numpy()).sum() / steps.sum().item()
    assert reinforce_loss(log_prob, steps, scores).item() == pytest.approx(float(expected), rel=1e-4, abs=1e-6)
