"""A tiny training on a real loss, which takes a second."""

import numpy as np
import torch

from baselines.models.gamepad_distribution import log_prob
from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.streams import stream

SMALL = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=32, layers=1, heads=2, context=5)
CONFIG = OptimizerConfig("muon", updates=30, warmup_updates=3)  # and AdamW for the head and all vectors


def network_of():
    torch.manual_seed(0)
    return GamepadTransformer(SMALL)


def imitation(network):
    """A real loss on batches drawn by the update's index."""

    def compute_loss(update):
        random = stream(0, "batches", update)
        frames = torch.from_numpy(random.integers(0, 256, (2, 6, 16, 16, 3), dtype=np.uint8))
        actions = torch.from_numpy(random.integers(0, 2, (2, 6, 16), dtype=np.uint8))
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(frames)
        loss = -log_prob(logits, actions).mean()
        return loss, {"batch": float(actions.float().mean())}

    return compute_loss


def run(directory, network=None, config=CONFIG, **options):
    network = network or network_of()
    train(network, imitation(network), config, directory, description="test", **options)
    return network


def assert_same_weights(network, expected):
    weights = expected.state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name
