import copy
import json
import math
import shutil
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from baselines.models.gamepad_distribution import log_prob
from baselines.training.loop import OptimizerConfig, _truncate_metrics, learning_rate, read_metrics, train
from jumppad_env.streams import stream
from tests.baselines.training.tiny import CONFIG, assert_same_weights, imitation, network_of, run


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted")
    return run(directory), (directory / "metrics.jsonl").read_text()


def test_a_finished_training_returns_at_once(tmp_path, uninterrupted):
    expected, _ = uninterrupted
    run(tmp_path)
    network = network_of()

    def never(update):
        raise AssertionError(f"update {update} was done before")

    last = train(network, never, CONFIG, tmp_path, description="test")
    assert last == read_metrics(tmp_path)[-1]
    assert last["update"] == CONFIG.updates - 1
    assert_same_weights(network, expected)


def test_training_lowers_the_loss_and_logs_it(tmp_path):
    torch.manual_seed(0)
    module = nn.Linear(3, 1)
    features = torch.randn(64, 3)
    targets = features @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3

    def compute_loss(update):
        error = (module(features) - targets).square().mean()
        return error, {"error": error.item()}

    config = OptimizerConfig(updates=300, learning_rate=0.1, warmup_updates=5, weight_decay=0.0)
    last = train(module, compute_loss, config, tmp_path, description="line")
    metrics = read_metrics(tmp_path)
    assert [line["update"] for line in metrics] == list(range(300))
    assert metrics[0]["error"] > 5 and last["error"] < 1e-4
    assert all(line["loss"] == line["error"] for line in metrics)
    assert [line["learning_rate"] for line in metrics] == [learning_rate(config, update) for update in range(300)]
    torch.testing.assert_close(module.bias, torch.tensor([3.0]), atol=0.01, rtol=0)


def test_only_the_given_parameters_are_trained_and_resumed(tmp_path, uninterrupted):
    network, start = network_of(), network_of()
    run(tmp_path, network, parameters=network.head.parameters())
    assert_same_weights(network.trunk, start.trunk)
    assert not torch.equal(network.head.weight, start.head.weight)
    again = network_of()
    run(tmp_path, again, parameters=again.head.parameters())
    assert_same_weights(again, network)


def test_two_halves_make_the_update_of_the_whole(tmp_path):
    def loss_on(network, parts):
        def compute_loss(index):
            update, part = divmod(index, parts)
            random = stream(0, "halves", update)
            rows = slice(part * 4 // parts, (part + 1) * 4 // parts)
            frames = torch.from_numpy(random.integers(0, 256, (4, 6, 16, 16, 3), dtype=np.uint8)[rows])
            actions = torch.from_numpy(random.integers(0, 2, (4, 6, 16), dtype=np.uint8)[rows])
            return -log_prob(network(frames), actions).mean(), {"index": index}

        return compute_loss

    networks = {}
    for parts in (1, 2):
        networks[parts] = network_of()
        config = OptimizerConfig("muon", updates=3, warmup_updates=0, accumulate=parts)
        train(networks[parts], loss_on(networks[parts], parts), config, tmp_path / str(parts), description="parts")
    whole, halves = (read_metrics(tmp_path / str(parts)) for parts in (1, 2))
    for key in ("loss", "gradient_norm"):
        assert [line[key] for line in halves] == pytest.approx([line[key] for line in whole], rel=1e-4), key
    assert [line["index"] for line in halves] == [0.5, 2.5, 4.5], "metrics are means over the parts"
    expected, start = networks[1].state_dict(), network_of().state_dict()
    for name, tensor in networks[2].state_dict().items():
        moved = (expected[name] - start[name]).abs().max()
        assert (tensor - expected[name]).abs().max() < 0.05 * moved, name


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_trains_alike_for_all_lengths_and_resumes_bit_for_bit(tmp_path):
    def loss_on(network):
        def compute_loss(index):
            steps = (9, 4, 12, 7)[index % 4]  # around the context of 5
            random = stream(0, "lengths", index)
            frames = torch.from_numpy(random.integers(0, 256, (2, steps, 16, 16, 3), dtype=np.uint8))
            actions = torch.from_numpy(random.integers(0, 2, (2, steps, 16), dtype=np.uint8))
            return -log_prob(network(frames), actions).mean(), {}

        return compute_loss

    def train_for(updates, directory, where: Literal["always", "never"] = "always"):
        # The schedule is constant, so that fewer updates are the beginning of more.
        config = OptimizerConfig("muon", updates=updates, schedule="constant", compile=where)
        network = network_of()
        train(network, loss_on(network), config, tmp_path / directory, description="compiled")
        return network

    torch._dynamo.reset()
    counters = torch._dynamo.utils.counters
    counters.clear()
    compiled = train_for(6, "compiled")
    assert counters["stats"]["unique_graphs"] == 1, "one compilation serves all lengths"
    assert set(compiled.state_dict()) == set(network_of().state_dict())
    torch._dynamo.reset()
    train_for(2, "parts")  # goes on at another length than it began with
    torch._dynamo.reset()
    assert_same_weights(train_for(6, "parts"), compiled)
    train_for(6, "plain", "never")
    losses = [[line["loss"] for line in read_metrics(tmp_path / name)] for name in ("compiled", "plain")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert_same_weights(copy.deepcopy(compiled), compiled)


def test_the_gradient_is_clipped(tmp_path):
    module = nn.Linear(4, 1, bias=False)

    def compute_loss(update):
        return 1000 * module.weight.sum(), {}

    config = OptimizerConfig(updates=3, gradient_clip=0.5, weight_decay=0.0)
    train(module, compute_loss, config, tmp_path, description="clip")
    assert module.weight.grad is not None
    assert module.weight.grad.norm().item() == pytest.approx(0.5, rel=1e-4)
    assert all(line["gradient_norm"] == pytest.approx(2000) for line in read_metrics(tmp_path))  # as it came


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_before_it_harms(tmp_path, bad):
    network = network_of()
    compute_loss = imitation(network)

    def diverging(update):
        loss, metrics = compute_loss(update)
        return loss * bad if update == 7 else loss, metrics

    with pytest.raises(ValueError, match="at update 7; try a learning rate below 0.001") as caught:
        train(network, diverging, CONFIG, tmp_path, description="test", checkpoint_seconds=0.0)
    assert "\n" not in str(caught.value)
    assert all(parameter.isfinite().all() for parameter in network.parameters())
    assert len(read_metrics(tmp_path)) == 7


def test_a_state_of_another_network_is_refused(tmp_path):
    run(tmp_path, config=OptimizerConfig(updates=1))
    state = tmp_path / "training_state" / "state.safetensors"
    with pytest.raises(ValueError, match="damaged or of another network.*delete it"):
        train(nn.Linear(2, 2), lambda _: (torch.zeros(()), {}), CONFIG, tmp_path, description="test")
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(ValueError, match="damaged or of another network.*delete it"):
        run(tmp_path)


def test_a_flipped_bit_anywhere_in_the_state_is_named(tmp_path):
    config = OptimizerConfig(updates=1)
    run(tmp_path, config=config)
    state, generator = tmp_path / "training_state" / "state.safetensors", np.random.default_rng(0)
    whole = state.read_bytes()
    for _ in range(100):
        at = int(generator.integers(len(whole)))
        state.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << int(generator.integers(8)))]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"state\.safetensors is damaged or of another network") as caught:
            run(tmp_path, config=config)
        assert "\n" not in str(caught.value)
    state.write_bytes(whole)
    run(tmp_path, config=config)


def test_the_learning_rate_rises_and_falls():
    config = OptimizerConfig(updates=101, learning_rate=1.0, warmup_updates=10, final_fraction=0.1)
    rates = [learning_rate(config, update) for update in range(101)]
    assert 0 < rates[0] < 0.1
    assert np.diff(rates[:11]) == pytest.approx(1 / 11)
    assert max(rates) == rates[10] == 1.0
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[55] == pytest.approx(0.55)
    assert rates[100] == pytest.approx(0.1)
    constant = OptimizerConfig(updates=50, schedule="constant", warmup_updates=0, learning_rate=0.3)
    assert {learning_rate(constant, update) for update in range(50)} == {0.3}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "sgd"),
        ("updates", -1),
        ("learning_rate", 0.0),
        ("gradient_clip", 0.0),
        ("final_fraction", 1.5),
        ("betas", (0.9, 1.0)),
        ("accumulate", 0),
        ("compile", "sometimes"),
    ],
)
def test_what_cannot_train_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        OptimizerConfig(**{field: value})


def test_metrics_are_json_lines(tmp_path):
    run(tmp_path, config=OptimizerConfig(updates=2))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    keys = ["update", "loss", "learning_rate", "gradient_norm", "batch"]
    assert [list(json.loads(line)) for line in lines] == [keys, keys]


LINES = ['{"update": 0, "loss": 2.5}', '{"update": 1, "loss": 2.0, "success": 1.0, "episodes": 8.0}']


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("5", "it is 5, not an object"),
        ("[" * 100_000, "no JSON"),
        ('{"loss": 1}', "update is missing"),
        ('{"update": 2, "loss": "low"}', "loss is 'low', not a number"),
        ('{"update": 2, "loss": NaN}', "no JSON"),
        ('{"update": 2, "loss": null}', "loss is null, not a number"),
        ('{"update": 2, "success": 1.8}', "success is 1.8, not a number from 0 to 1"),
        ('{"update": 2, "accuracy": -1}', "accuracy is -1, not a number from 0 to 1"),
        ('{"update": 2, "episodes": -5}', "episodes is -5, not a number from 0"),
        ('{"update": 2.0}', "update is 2.0, not an integer"),
        ('{"update": 3}', "update is 3, not 2"),
        ('{"upd', "no JSON"),
    ],
)
def test_a_damaged_line_of_the_metrics_is_named(line, said, tmp_path):
    (tmp_path / "metrics.jsonl").write_text("\n".join([*LINES, line]) + "\n")
    for unfinished in (False, True):
        with pytest.raises(ValueError, match=rf"metrics\.jsonl is damaged in line 3 \({said}.*\); delete .* its stage"):
            read_metrics(tmp_path, unfinished=unfinished)


def test_a_cut_off_line_is_left_out_only_of_an_unfinished_training(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("\n".join([*LINES, '{"upd']))
    assert [line["update"] for line in read_metrics(tmp_path, unfinished=True)] == [0, 1]
    with pytest.raises(ValueError, match="in line 3"):
        read_metrics(tmp_path)


def test_a_training_does_not_go_on_behind_metrics_that_are_damaged_or_missing(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("\n".join([*LINES, "after the state: \0\0"]))
    assert _truncate_metrics(path, 2)["success"] == 1.0 and path.read_text().splitlines() == LINES
    with pytest.raises(ValueError, match="has 2 lines, not the 3 of its updates; delete"):
        _truncate_metrics(path, 3)
    path.write_text("\n".join([*LINES, "damaged"]))
    with pytest.raises(ValueError, match="is damaged in line 3"):
        _truncate_metrics(path, 3)
    path.unlink()
    with pytest.raises(ValueError, match="has 0 lines"):
        _truncate_metrics(path, 1)
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match="is not a file"):
        _truncate_metrics(path, 0)
