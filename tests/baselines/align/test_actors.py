"""Actors play the episodes that they are asked for, with the weights of their time."""

import numpy as np
import pytest
import torch

from agents.probes import ForcedMiss, miss_began
from agents.rollout import make_envs, rollout
from agents.workers import Here
from agents.worlds import WorldConfig
from baselines.align.actors import Actors
from baselines.models.gamepad_distribution import BUCKETS, COMPONENT_LOGITS
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy, PolicyActor

TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


LEVELS = WorldConfig(environment="JumppadIslands-v0", num_levels=5)
WORLDS = pytest.mark.parametrize("world", [WorldConfig(), LEVELS], ids=["classic", "levels"])


def runner(world=None):
    """Returns an agent that runs straight on."""
    policy = Policy.initialize(TINY, seed=0, metadata={"world": (world or WorldConfig()).entry})
    policy.network.head.bias.detach().view(-1, COMPONENT_LOGITS)[:, 2 * BUCKETS] += 5  # the left stick, forward
    return policy


def seeds_of(update):
    return [100 * update + index for index in range(5)]


def weights(policy):
    return policy.network.head.bias.detach().clone()


def turn(policy):
    """Changes the weights, as an update does."""
    policy.network.head.bias.detach().view(-1, COMPONENT_LOGITS)[:, BUCKETS] += 9  # the left stick, to the right


def same(episodes, others):
    names = ("seed", "pad", "actions", "states", "frames")
    pairs = zip(episodes, others, strict=True)
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for one, other in pairs for name in names)


def played(policy, seeds, share):
    """Plays as if nobody had thought of actors."""
    envs, actor = make_envs(len(seeds), TINY.image_size, policy.world), PolicyActor(policy)
    missing = ForcedMiss(actor, len(seeds), share, policy.world.settings)
    try:
        return list(rollout(envs, missing if share else actor, seeds))
    finally:
        envs.close()


@WORLDS
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_each_plays_its_block(world, share):
    policy = runner(world)
    with Actors(policy, Here(), seeds_of, 2, forced_misses=share) as actors:
        for update in (0, 3):
            first, second = (played(policy, block, share) for block in (seeds_of(update)[:2], seeds_of(update)[2:]))
            assert same(actors.play(update)[0], first + second)
            turn(policy)


@WORLDS
def test_misses_are_forced_where_it_runs_to_a_pad(world):
    with Actors(runner(world), Here(), seeds_of, 1, forced_misses=1.0) as forced:
        with Actors(runner(world), Here(), seeds_of, 1) as free:
            pairs = list(zip(forced.play(0)[0], free.play(0)[0], strict=True))
    began = [miss_began(one) for one, _ in pairs]
    assert any(step is not None for step in began)
    for (one, other), step in zip(pairs, began, strict=True):
        assert same([one], [other]) == (step is None)


def test_those_of_the_next_update_are_played_with_the_weights_from_before():
    policy, older = runner(), runner()
    with Actors(policy, Here(), seeds_of, 1, ahead_until=2) as actors:
        for update in (0, 1):
            episodes, behavior = actors.play(update)
            assert same(episodes, played(older, seeds_of(update), 0.0))
            assert torch.equal(weights(behavior), weights(older))
            turn(policy)
        assert not torch.equal(weights(policy), weights(older))
        episodes, behavior = actors.play(2)
        assert same(episodes, played(policy, seeds_of(2), 0.0)), "nothing was played ahead any more"
