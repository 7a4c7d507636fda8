"""What alignment is told and what it leaves out; how it learns is tested with the whole story in test_pipeline.py."""

import numpy as np
import pytest
import torch

from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.probes import MISS_STEPS, ForcedMiss, is_watched
from agents.rollout import make_envs, rollout
from baselines.align import AlignConfig, align
from baselines.align.reinforce import alignment_loss, played
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.models.reward_model import RewardModel

CPU = torch.device("cpu")
SEEDS = range(12)
TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


def episodes_of(share):
    envs = make_envs(len(SEEDS), (16, 16))
    try:
        crowd = Crowd(POPULATIONS["curated"], len(SEEDS))
        return list(rollout(envs, ForcedMiss(crowd, len(SEEDS), share) if share else crowd, SEEDS))
    finally:
        envs.close()


def test_the_steps_of_a_forced_miss_count_for_nothing():
    free, forced = episodes_of(0.0), episodes_of(0.5)
    batch = played(forced, 0.5, CPU)
    assert batch.forced is not None
    for row, (one, other) in enumerate(zip(forced, free, strict=True)):
        mask = batch.mask[row].bool().numpy()
        assert not mask[len(one) :].any()
        left_out = np.flatnonzero(~mask[: len(one)])
        if not is_watched(one.seed, 0.5):
            assert len(left_out) == 0 and np.array_equal(one.actions, other.actions), "nobody took the sticks"
            continue
        assert len(left_out) == MISS_STEPS and np.ptp(left_out) == MISS_STEPS - 1, "all at once"
        began = left_out[0]
        assert np.array_equal(one.actions[:began], other.actions[:began]), "until then people play as they would"
        buttons = one.actions[left_out, 4:]
        assert not buttons.any() and not np.array_equal(one.actions[left_out], other.actions[left_out])
    watched = sum(is_watched(seed, 0.5) for seed in SEEDS)
    assert 2 <= watched <= len(SEEDS) - 2


def test_without_forced_misses_every_step_counts():
    episodes = episodes_of(0.0)
    batch = played(episodes, 0.0, CPU)
    assert batch.forced is None and batch.mask.sum() == sum(map(len, episodes))


def test_episodes_of_an_older_policy_count_by_the_ratio_of_their_probabilities():
    policy, judge = Policy.initialize(TINY, seed=0), RewardModel(TINY).requires_grad_(False)
    batches = [played(episodes_of(0.5), 0.5, CPU)]
    own, metrics = alignment_loss(policy, policy, judge, batches, 0.1)
    same, logged = alignment_loss(policy, policy, judge, batches, 0.1, policy.frozen_copy())
    assert torch.equal(own, same) and logged == {**metrics, "ratio": 1.0, "effective_episodes": 1.0}

    older = policy.frozen_copy()
    older.network.head.bias[5] += 0.05
    loss, logged = alignment_loss(policy, policy, judge, batches, 0.0, older)
    with torch.no_grad():
        now, before = (each.episode_log_prob(batches[0]).double().numpy() for each in (policy, older))
        scores = judge.score_batch(batches[0]).double().numpy()
    ratio = np.exp(now - before)
    assert ratio.std() > 0.01
    assert logged["ratio"] == pytest.approx(ratio.mean(), rel=1e-3)
    assert logged["effective_episodes"] == pytest.approx(ratio.sum() ** 2 / (len(SEEDS) * (ratio**2).sum()), rel=1e-3)
    expected = -(ratio * (scores - scores.mean()) * now).sum() / int(batches[0].lengths.sum())
    assert loss.item() == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("actors", [0, 65])
def test_every_actor_needs_an_episode(actors):
    with pytest.raises(ValueError, match=f"actors must be 1 to 64, one per episode at most, got {actors}"):
        AlignConfig(actors=actors)


@pytest.mark.parametrize("coefficient, demonstrations", [(0.1, None), (0.0, "demonstrations")])
def test_imitation_needs_weight_and_demonstrations(tmp_path, coefficient, demonstrations):
    config = AlignConfig(imitation_coefficient=coefficient)
    given = None if demonstrations is None else tmp_path / demonstrations
    with pytest.raises(ValueError, match="give both or neither"):
        align(config, tmp_path / "agent", tmp_path / "reward_model", tmp_path / "out", 0, demonstrations=given)
    assert not (tmp_path / "out").exists()
