import dataclasses
import json

import pytest
import torch

from baselines.models.gamepad_distribution import COMPONENT_LOGITS
from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.models.precision import autocast

SMALL = NetworkConfig(image_size=(16, 24), channels=(8, 8), width=32, layers=3, heads=2, context=5)


def network_of(config=SMALL, seed=0):
    torch.manual_seed(seed)
    network = GamepadTransformer(config)
    torch.nn.init.normal_(network.head.weight, std=1.0)  # the small first head would hide differences
    return network


def frames_of(*shape, config=SMALL, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (*shape, *config.image_size, 3), dtype=torch.uint8, generator=generator)


@torch.inference_mode()
def test_acting_gives_the_logits_of_the_whole_episodes():
    """Rows end and begin at different times, and live longer than the ring of keys and values."""
    config = NetworkConfig()
    network = network_of(config)
    starts = {0: [0], 1: [0, 7, 52], 2: [0, 40], 3: [0, 1, 2]}
    frames = frames_of(4, 80, config=config)
    cache = network.initial_cache(4)
    acted = []
    for step in range(80):
        cache.reset(torch.tensor([step in starts[row] for row in range(4)]))
        acted.append(network.step(frames[:, step], cache))
    acted = torch.stack(acted, dim=1)
    for row, begins in starts.items():
        for begin, end in zip(begins, [*begins[1:], 80], strict=True):
            whole = network(frames[row : row + 1, begin:end])[0]
            torch.testing.assert_close(acted[row, begin:end], whole, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_acting_at_a_great_age_is_acting_at_a_small_one():
    forgotten = SMALL.context * (SMALL.layers + 1)  # the window is full, and what came before has left every layer
    network, frames = network_of(), frames_of(1, forgotten + 5)
    young, old = network.initial_cache(1), network.initial_cache(1)
    old.age += 1_000_000 * SMALL.context
    for step in range(forgotten + 5):
        expected, found = network.step(frames[:, step], young), network.step(frames[:, step], old)
        if step >= forgotten:
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_the_future_never_changes_the_past():
    network, frames = network_of(), frames_of(2, 12)
    changed = frames.clone()
    changed[:, 7:] = 255 - changed[:, 7:]
    before, after = network(frames), network(changed)
    torch.testing.assert_close(after[:, :7], before[:, :7], rtol=1e-5, atol=1e-5)
    assert ((after - before).abs().amax(-1)[:, 7:] > 1e-3).all()


@torch.inference_mode()
def test_each_layer_sees_the_context_and_no_further():
    network = network_of(dataclasses.replace(SMALL, layers=1))
    frames = frames_of(1, 12)
    changed = frames.clone()
    changed[:, 2] = 255 - changed[:, 2]
    difference = (network(changed) - network(frames)).abs().amax(-1)[0]
    reached = range(2, 2 + SMALL.context)
    assert all((difference[step] > 1e-4) == (step in reached) for step in range(12)), difference


@torch.inference_mode()
def test_order_within_the_context_matters():
    network = network_of(dataclasses.replace(SMALL, layers=1))  # deeper ones tell order by the causal mask alone
    frames = frames_of(1, 4)
    swapped = frames[:, [1, 0, 2, 3]]
    assert (network(frames)[:, -1] - network(swapped)[:, -1]).abs().max() > 1e-3


@torch.inference_mode()
def test_every_corner_of_the_frame_is_seen():
    network, frames = network_of(), frames_of(1, 1)
    before = network(frames)
    height, width = SMALL.image_size
    for y in (0, height // 2, height - 1):
        for x in (0, width // 2, width - 1):
            for color in range(3):
                changed = frames.clone()
                changed[..., y, x, color] += 40  # uint8 wraps around: another value in any case, dark or bright
                assert not torch.equal(network(changed), before), (y, x, color)


@torch.inference_mode()
def test_bfloat16_stays_near_float32():
    network, frames = network_of(), frames_of(2, 12)
    with autocast("cpu", "float32"):
        exact = network(frames)
    with autocast("cpu", "bfloat16"):
        rough = network(frames).float()
    assert not torch.equal(exact, rough)
    assert (rough - exact).abs().max() < 0.05 * exact.std() * 5


@pytest.mark.parametrize(
    ("config", "millions"),
    [
        (NetworkConfig(), (0.5, 1.5)),
        (NetworkConfig(image_size=(128, 128), channels=(32, 64, 64, 64)), (0.5, 1.5)),
        (NetworkConfig((128, 128), (64, 128, 256, 512), width=1024, layers=7, heads=16), (90, 115)),
    ],
)
def test_sizes_scale_from_the_configuration_alone(config, millions):
    with torch.device("meta"):  # the shapes without the memory
        network = GamepadTransformer(config)
    assert millions[0] < sum(parameter.numel() for parameter in network.parameters()) / 1e6 < millions[1]


@pytest.mark.parametrize("image_size", [(64, 64), (128, 128), (48, 80)])
def test_frames_of_any_shape_give_one_row_of_logits_per_step(image_size):
    config = NetworkConfig(image_size)
    with torch.inference_mode():
        network, frames = network_of(config), frames_of(2, 3, config=config)
        assert network(frames).shape == (2, 3, config.components * COMPONENT_LOGITS)
        assert network.trunk(frames).shape == network.trunk.encode(frames).shape == (2, 3, config.width)


def test_a_configuration_survives_json():
    values = json.loads(json.dumps(dataclasses.asdict(SMALL)))
    assert NetworkConfig.from_json(values, "here") == SMALL
    for broken in (None, {"widht": 3}, {"width": "wide"}):
        with pytest.raises(ValueError, match="here"):
            NetworkConfig.from_json(broken, "here")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": (72, 64)}, "multiple of 16"),
        ({"width": 36, "heads": 4}, "twice the number of heads"),
        ({"channels": ()}, "at least one in channels"),
        ({"context": 0}, "sizes must be 1 to"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**changes)


def test_frames_of_another_size_are_refused():
    with pytest.raises(AssertionError, match="expected uint8 frames"):
        network_of()(torch.zeros(1, 2, 8, 8, 3, dtype=torch.uint8))


@torch.inference_mode()
def test_equal_frames_are_counted_up_to_the_window():
    network = network_of()
    frames = frames_of(1, 1).expand(-1, SMALL.context + 8, -1, -1, -1)
    logits = network(frames)[0]
    differs = (logits[1:] - logits[:-1]).abs().amax(-1) > 1e-6
    assert differs[: SMALL.context - 1].all(), "standing still for two steps must not look like one"
