"""Muon against closed forms, and against PyTorch's, which computes in bfloat16."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from baselines.models.gamepad_distribution import log_prob
from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.training.loop import OptimizerConfig, train
from baselines.training.muon import Muon, orthogonalize


def random_matrix(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])
@pytest.mark.parametrize("shape", [(16, 48), (48, 16), (128, 512), (1, 7)])
def test_singular_values_are_carried_to_about_one_and_singular_vectors_stay(shape, scale):
    matrix = scale * random_matrix(*shape)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    result = left.mT @ orthogonalize([matrix])[0] @ right.mT  # diagonal where the singular vectors are the same
    values = result.diagonal()
    assert values.min() > 0.65 and values.max() < 1.25
    torch.testing.assert_close(result, values.diag(), atol=1e-3, rtol=0)


def test_singular_values_of_a_hundredth_grow_as_well():
    left, _, right = torch.linalg.svd(random_matrix(20, 20))
    values = torch.linalg.svdvals(orthogonalize([left @ torch.logspace(0, -2, 20).diag() @ right])[0])
    assert values.min() > 0.65 and values.max() < 1.25


def test_the_matrix_given_is_not_changed_and_zeros_stay_zeros():
    matrix = random_matrix(3, 5)
    kept = matrix.clone()
    orthogonalize([matrix])
    assert torch.equal(matrix, kept)
    assert torch.equal(orthogonalize([torch.zeros(3, 5)])[0], torch.zeros(3, 5))


def test_matrices_with_the_same_shorter_side_are_orthogonalized_together():
    matrices = [random_matrix(*shape, seed=seed) for seed, shape in enumerate([(8, 8), (8, 24), (24, 8), (8, 9)])]
    for together, matrix in zip(orthogonalize(matrices), matrices, strict=True):
        torch.testing.assert_close(together, orthogonalize([matrix])[0])


def test_every_matrix_moves_as_if_it_were_the_only_one():
    shapes = [(8, 24), (24, 8), (8, 8), (8, 3, 2, 2), (5, 40), (8, 8), (8, 8), (8, 8)]
    all_of_them, alone = ([nn.Parameter(random_matrix(*shape, seed=1)) for shape in shapes] for _ in range(2))
    for parameters, optimizers in (
        (all_of_them, [Muon(all_of_them, lr=0.1)]),
        (alone, [Muon([p], lr=0.1) for p in alone]),
    ):
        for seed, parameter in enumerate(parameters):
            parameter.grad = random_matrix(*parameter.shape, seed=10 + seed)
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(all_of_them, alone, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch has it since 2.9")
@pytest.mark.parametrize("shape", [(8, 32), (32, 8), (16, 16)])
def test_it_goes_where_pytorchs_goes(shape):
    ours, theirs = nn.Parameter(random_matrix(*shape)), nn.Parameter(random_matrix(*shape))
    optimizer = Muon([ours], lr=0.1, weight_decay=0.3)
    reference = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.3, adjust_lr_fn="match_rms_adamw")
    for step in range(6):
        ours.grad = random_matrix(*shape, seed=step + 1)
        theirs.grad = ours.grad.clone()
        optimizer.step()
        reference.step()
    moved = (ours - random_matrix(*shape)).norm()
    assert (ours - theirs).norm() < 0.03 * moved
    assert moved > 1  # or there would be nothing to compare


def test_a_step_is_as_long_as_the_learning_rate_says():
    for shape in ((64, 64), (64, 256), (256, 64), (32, 8, 2, 2)):
        parameter = nn.Parameter(torch.zeros(shape))
        parameter.grad = random_matrix(*shape)
        Muon([parameter], lr=0.5).step()
        assert parameter.square().mean().sqrt().item() == pytest.approx(0.5 * 0.2, rel=0.2), shape


def test_a_convolution_is_the_matrix_of_its_filters():
    matrix, convolution = nn.Parameter(random_matrix(6, 12)), nn.Parameter(random_matrix(6, 12).view(6, 3, 2, 2))
    convolution.data = convolution.data.contiguous(memory_format=torch.channels_last)
    for parameter in (matrix, convolution):
        parameter.grad = random_matrix(6, 12, seed=1).view(parameter.shape)
        Muon([parameter], lr=0.1, weight_decay=0.1).step()
    torch.testing.assert_close(convolution.flatten(1), matrix)


def test_weights_decay_and_what_has_no_gradient_stays():
    still, decayed = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(2, 3))
    decayed.grad = torch.zeros(2, 3)
    Muon([still, decayed], lr=0.1, weight_decay=0.5).step()
    assert torch.equal(still, torch.ones(2, 3))
    torch.testing.assert_close(decayed.detach(), torch.full((2, 3), 0.95))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"got a parameter of shape \(3,\)"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)


@pytest.mark.parametrize("trained", ["all", "head"])
def test_hidden_matrices_and_convolutions_take_muon_and_all_else_adamw(tmp_path, trained):
    torch.manual_seed(0)
    network = GamepadTransformer(NetworkConfig((16, 16), (8, 8), width=32, layers=1, heads=2, context=5))
    frames, actions = torch.zeros((2, 6, 16, 16, 3), dtype=torch.uint8), torch.zeros((2, 6, 16), dtype=torch.uint8)
    parameters = None if trained == "all" else network.head.parameters()
    loss = lambda _: (-log_prob(network(frames), actions).mean(), {})  # noqa: E731
    train(network, loss, OptimizerConfig("muon", updates=2), tmp_path, description="test", parameters=parameters)
    saved = load_file(tmp_path / "training_state" / "state.safetensors")
    by_muon = {name.partition("/")[2] for name in saved if name.startswith("momentum/")}
    by_adamw = {name.partition("/")[2] for name in saved if name.startswith("exp_avg/")}
    encoder = {f"encoder.{layer}.weight" for layer in ("patches", "convolutions.0", "project")}
    block = {"query_key_value", "attention_out", "perceptron_in", "perceptron_out"}
    hidden = {f"trunk.{name}" for name in encoder | {f"blocks.0.{layer}.weight" for layer in block}}
    names = {name for name, _ in network.named_parameters()}
    assert by_muon == (hidden if trained == "all" else set())
    assert by_adamw == (names - hidden if trained == "all" else {"head.weight", "head.bias"})
