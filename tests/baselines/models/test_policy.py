import dataclasses
import json

import numpy as np
import pytest
import torch

from baselines.models.batches import Batch
from baselines.models.gamepad_distribution import COMPONENT_LOGITS, log_prob, split
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy, PolicyActor
from baselines.models.reward_model import RewardModel

SMALL = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=32, layers=2, heads=2, context=5)
METADATA = {"environment": {"image_size": [16, 16], "variety": "none"}}


def policy_of(seed=0):
    policy = Policy.initialize(SMALL, seed, METADATA)
    torch.nn.init.normal_(policy.network.head.weight, std=0.2, generator=torch.Generator().manual_seed(1))
    return policy


def observations_of(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 16, 16, 3), dtype=np.uint8)


def play(actor, observations, seeds):
    """Actions (N, T, 16) of episodes (N, T, ...) begun together."""
    actor.reset(np.ones(len(seeds), dtype=bool), np.array(seeds))
    return np.stack([actor.act(observations[:, step], {}) for step in range(observations.shape[1])], axis=1)


def test_saved_and_loaded_policies_are_the_same(tmp_path):
    policy = policy_of()
    policy.save_pretrained(tmp_path / "new" / "policy")
    loaded = Policy.from_pretrained(tmp_path / "new" / "policy")
    assert loaded.config == policy.config
    assert loaded.metadata == METADATA
    weights = policy.network.state_dict()
    assert loaded.network.state_dict().keys() == weights.keys()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in loaded.network.state_dict().items())
    assert not list(tmp_path.rglob("*.partial"))


def test_the_seed_makes_the_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (Policy.initialize(SMALL, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    weights = [policy.network.trunk.encoder.project.weight for policy in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def damage_nothing_there(path):
    for file in path.iterdir():
        file.unlink()


def damage_no_weights(path):
    (path / "model.safetensors").unlink()


def damage_truncated_weights(path):
    content = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(content[: len(content) // 2])


def damage_empty_weights(path):
    (path / "model.safetensors").write_bytes(b"")


def damage_truncated_config(path):
    (path / "config.json").write_text((path / "config.json").read_text()[:40])


def damage_binary_config(path):
    (path / "config.json").write_bytes(b"\xff\xfe\x00")


def damage_another_width(path):
    config = json.loads((path / "config.json").read_text())
    config["network"]["width"] = 64
    (path / "config.json").write_text(json.dumps(config))


def damage_unknown_size(path):
    config = json.loads((path / "config.json").read_text())
    config["network"]["experts"] = 8
    (path / "config.json").write_text(json.dumps(config))


def damage_newer(path):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "format": 99}))


def damage_another_kind(path):
    RewardModel(SMALL).save_pretrained(path)


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (damage_nothing_there, FileNotFoundError, "holds no policy"),
        (damage_no_weights, FileNotFoundError, "model.safetensors is missing"),
        (damage_truncated_weights, ValueError, "model.safetensors is damaged"),
        (damage_empty_weights, ValueError, "model.safetensors is damaged"),
        (damage_truncated_config, ValueError, "config.json is damaged"),
        (damage_binary_config, ValueError, "config.json is damaged"),
        (damage_another_width, ValueError, "does not match its config.json"),
        (damage_unknown_size, ValueError, "no network configuration"),
        (damage_newer, ValueError, "format version 99, this code reads 1.*update jumppad"),
        (damage_another_kind, ValueError, "'reward_model', but a 'policy' is needed"),
    ],
)
def test_what_cannot_be_loaded_is_named_in_one_line(tmp_path, damage, error, message):
    policy_of().save_pretrained(tmp_path)
    damage(tmp_path)
    with pytest.raises(error, match=message) as caught:
        Policy.from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_actions_are_of_the_gamepad_and_differ_between_seeds():
    actions = play(PolicyActor(policy_of()), np.repeat(observations_of(1, 30), 3, axis=0), [1, 2, 1])
    assert actions.dtype == np.uint8 and actions.shape == (3, 30, 16)
    assert actions[..., :4].max() == 10 and actions[..., 4:].max() == 1
    assert np.array_equal(actions[0], actions[2])
    assert not np.array_equal(actions[0], actions[1])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_episode_replays_alone_whatever_its_company(precision):
    """Row 1 begins anew at step 7, in the middle of its neighbors' episodes."""
    policy, observations = policy_of(), observations_of(3, 20)
    actor = PolicyActor(policy, precision=precision)
    together = []
    for step in range(20):
        rows = np.array([step == 0, step in (0, 7), step == 0])
        if rows.any():
            actor.reset(rows, np.array([10, 11 if step == 0 else 21, 12]))
        together.append(actor.act(observations[:, step], {}))
    together = np.stack(together, axis=1)
    episodes = [(0, 0, 20, 10), (1, 0, 7, 11), (1, 7, 20, 21), (2, 0, 20, 12)]
    for row, begin, end, seed in episodes:
        alone = play(PolicyActor(policy, precision=precision), observations[row : row + 1, begin:end], [seed])
        # Another batch size rounds otherwise, and may tip a uniform that lies on an edge; hardly any does.
        assert (alone[0] != together[row, begin:end]).mean() < (0.001 if precision == "float32" else 0.02)


def test_a_low_temperature_takes_the_most_likely_action():
    policy, observations = policy_of(), observations_of(2, 6)
    actions = play(PolicyActor(policy, temperature=1e-4, precision="float32"), observations, [0, 1])
    with torch.inference_mode():
        weights, axes, buttons = split(policy.network(torch.from_numpy(observations)))
    likely = weights.argmax(-1)[..., None]  # the component first, then each factor within it
    axes = np.take_along_axis(axes.numpy(), likely[..., None, None].numpy(), axis=2)[:, :, 0]
    buttons = np.take_along_axis(buttons.numpy(), likely[..., None].numpy(), axis=2)[:, :, 0]
    assert np.array_equal(actions[..., :4], axes.argmax(-1))
    assert np.array_equal(actions[..., 4:], buttons > 0)


def test_training_between_episodes_shows():
    policy, observations = policy_of(), observations_of(1, 10)
    actor = PolicyActor(policy)
    before = play(actor, observations, [3])
    with torch.no_grad():
        policy.network.head.weight.neg_()
    assert not np.array_equal(play(actor, observations, [3]), before)


def test_a_temperature_must_be_positive():
    with pytest.raises(ValueError, match="temperature"):
        PolicyActor(policy_of(), temperature=0)


def test_a_component_is_kept_for_some_steps_of_each_row():
    # Each component has a bucket of its own, so the action tells which one acted.
    policy = Policy.initialize(SMALL, 0)
    components, hold = SMALL.components, SMALL.hold
    with torch.no_grad():
        policy.network.head.weight.zero_()
        bias = policy.network.head.bias.view(components, COMPONENT_LOGITS)
        bias[:, 1:12] = -40.0
        bias[range(components), range(1, 1 + components)] = 40.0
        bias[:, 0] = 0.0
    actor, shown = PolicyActor(policy), observations_of(2, 40)
    seen = []
    for step in range(40):
        rows = np.array([step == 0, step in (0, 7)])
        if rows.any():
            actor.reset(rows, np.array([1, 2 + step]))
        seen.append(actor.act(shown[:, step], {})[:, 0])
    first, second = np.array(seen).T
    for episode in (first, second[:7], second[7:]):
        chunks = [episode[start : start + hold] for start in range(0, len(episode), hold)]
        assert all((chunk == chunk[0]).all() for chunk in chunks)
    assert len(set(first[::hold])) > 3


def test_the_public_name_of_policies_stands_at_the_root_of_the_package():
    from baselines import policy

    assert policy.Policy is Policy


def batch_of(lengths, seed=0):
    random = np.random.default_rng(seed)
    shape = (len(lengths), max(lengths))
    frames = torch.from_numpy(random.integers(0, 256, (*shape, 16, 16, 3), dtype=np.uint8))
    actions = torch.from_numpy(random.integers(0, 2, (*shape, 16), dtype=np.uint8))
    return Batch(frames, actions, torch.tensor(lengths))


def test_the_log_probability_of_an_episode_is_that_of_its_own_steps():
    policy, batch = policy_of(), batch_of([7, 4])
    steps = log_prob(policy.logits(batch), batch.actions, SMALL.hold)
    expected = torch.stack([steps[0, :7].sum(), steps[1, :4].sum()])
    found = policy.episode_log_prob(batch)
    torch.testing.assert_close(found, expected)
    assert torch.equal(policy.episode_log_prob(batch, policy.logits(batch)), found)
    forced = torch.zeros(2, 7, dtype=torch.bool)
    forced[0, 2:4] = True
    without = policy.episode_log_prob(dataclasses.replace(batch, forced=forced))
    torch.testing.assert_close(without, expected - torch.stack([steps[0, 2:4].sum(), steps[1, 0] * 0]))
    found.sum().backward()
    assert all(parameter.grad is not None for parameter in policy.network.head.parameters())


def test_a_frozen_copy_stays_as_it_is():
    policy, batch = policy_of(), batch_of([5, 5])
    reference = policy.frozen_copy()
    before = reference.episode_log_prob(batch)
    assert not before.requires_grad and torch.equal(before, policy.episode_log_prob(batch))
    with torch.no_grad():
        policy.network.head.weight.mul_(2.0)
    assert torch.equal(reference.episode_log_prob(batch), before)
    assert not torch.equal(policy.episode_log_prob(batch), before)
