import copy
import pickle

import numpy as np
import pytest
import torch

from baselines.models.adapters import LAYERS, add_adapters, merge_adapters
from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.models.policy import Policy, PolicyActor

SMALL = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=32, layers=2, heads=2, context=5)


def network_and_frames():
    torch.manual_seed(0)
    frames = torch.randint(0, 256, (2, 7, 16, 16, 3), dtype=torch.uint8)
    return GamepadTransformer(SMALL), frames


def train_a_little(network, parameters, frames):
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        network(frames).square().mean().backward()
        optimizer.step()


def test_new_adapters_change_nothing():
    network, frames = network_and_frames()
    before = network(frames)
    add_adapters(network, 3)
    torch.testing.assert_close(network(frames), before, rtol=0, atol=1e-6)


def test_adapters_and_head_alone_are_trained_and_each_change_is_of_low_rank():
    network, frames = network_and_frames()
    start = copy.deepcopy(network.state_dict())
    train_a_little(network, add_adapters(network, 3), frames)
    after_training = network(frames)
    merge_adapters(network)
    torch.testing.assert_close(network(frames), after_training, rtol=0, atol=1e-6)
    end = network.state_dict()
    assert end.keys() == start.keys(), "a merged network is of the usual kind"
    changed = {name for name in start if not torch.equal(start[name], end[name])}
    layers = {f"trunk.blocks.{block}.{layer}.weight" for block in range(2) for layer in LAYERS}
    assert changed == layers | {"head.weight", "head.bias"}
    for name in layers:
        values = torch.linalg.svdvals(end[name] - start[name])
        assert values[0] > 1e-5 and values[3:].max() < 1e-3 * values[0], name


def test_acting_sees_the_adapters():
    network, frames = network_and_frames()
    train_a_little(network, add_adapters(network, 2), frames)
    with torch.inference_mode():
        cache, whole = network.initial_cache(2), network(frames)
        steps = [network.step(frames[:, step], cache) for step in range(frames.shape[1])]
    torch.testing.assert_close(torch.stack(steps, 1), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_actor_plays_alike_before_and_after_merging(precision):
    network, frames = network_and_frames()
    train_a_little(network, add_adapters(network, 2), frames)
    frames, rows = frames.numpy(), np.ones(2, dtype=bool)

    def play():
        actor = PolicyActor(Policy(network), precision=precision)
        actor.reset(rows, np.array([3, 4]))
        return [actor.act(frames[:, step]) for step in range(frames.shape[1])]

    before = play()
    merge_adapters(network)
    assert np.array_equal(before, play())


def test_merging_a_copy_leaves_the_adapters_of_the_network():
    network, frames = network_and_frames()
    parameters = add_adapters(network, 2)
    train_a_little(network, parameters, frames)
    merged = copy.deepcopy(network)
    merge_adapters(merged)
    assert torch.equal(merged(frames), network(frames))
    assert pickle.loads(pickle.dumps(merged)).state_dict().keys() == GamepadTransformer(SMALL).state_dict().keys()
    train_a_little(network, parameters, frames)
    assert not torch.equal(merged(frames), network(frames))
    merge_adapters(merged)  # there are none any more


def test_a_rank_of_none_is_refused():
    network, _ = network_and_frames()
    with pytest.raises(ValueError, match="at least 1, got 0"):
        add_adapters(network, 0)
