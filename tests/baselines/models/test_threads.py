import os
import threading
from functools import partial

import pytest
import torch
from torch import nn

from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.models.threads import EPISODES, apply_in_parts, count_parts, run_all, use_threads

SMALL = NetworkConfig(image_size=(16, 24), channels=(8, 12), width=32, layers=2, heads=2, context=5, components=2)


def frames_of(episodes, steps=7):
    generator = torch.Generator().manual_seed(episodes)
    return torch.randint(0, 256, (episodes, steps, 16, 24, 3), dtype=torch.uint8, generator=generator)


def gradients(network, frames, apply):
    network.zero_grad()
    hidden = apply(network.trunk, frames)
    (hidden * torch.linspace(-1, 1, hidden.numel()).view(hidden.shape)).sum().backward()
    return hidden.detach(), {name: parameter.grad.clone() for name, parameter in network.trunk.named_parameters()}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return GamepadTransformer(SMALL)


@pytest.mark.parametrize("episodes", [1, 2, 5, 8, 17])
def test_parts_have_the_values_and_gradients_of_the_whole(network, episodes):
    frames = frames_of(episodes)
    whole, of_whole = gradients(network, frames, lambda module, frames: module(frames))
    with use_threads(2):
        parts, of_parts = gradients(network, frames, partial(apply_in_parts, most=EPISODES))
    torch.testing.assert_close(parts, whole)
    for name, gradient in of_whole.items():
        torch.testing.assert_close(of_parts[name], gradient, rtol=1e-4, atol=1e-5, msg=name)


def test_bytes_do_not_depend_on_the_number_of_threads(network):
    frames = frames_of(17)
    found = []
    for threads in (1, 2, 5):
        with use_threads(threads):
            found.append(gradients(network, frames, partial(apply_in_parts, most=EPISODES)))
    for hidden, of_parameters in found[1:]:
        assert torch.equal(hidden, found[0][0])
        assert all(torch.equal(gradient, found[0][1][name]) for name, gradient in of_parameters.items())


def test_parts_are_even_in_number_and_small_enough():
    for rows in range(1, 70):
        count = count_parts(rows, 4)
        sizes = [len(part) for part in torch.arange(rows).tensor_split(count)]
        assert sum(sizes) == rows and 1 <= min(sizes) and max(sizes) <= 4
        assert count % 2 == 0 or rows == 1


def test_jobs_run_at_once_and_keep_their_order():
    barrier = threading.Barrier(3, timeout=600)  # is passed only by three at a time

    def job(number):
        barrier.wait()
        return number

    with use_threads(3):
        assert run_all([partial(job, number) for number in range(6)]) == list(range(6))


def test_jobs_have_the_modes_of_their_caller():
    def modes():
        return (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            (torch.ones(2, 2) @ torch.ones(2, 2)).dtype,
        )

    with use_threads(2):
        for context in (torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)):
            with context:
                assert run_all([modes, modes]) == [modes()] * 2
        assert run_all([modes, modes]) == [modes()] * 2


def test_an_error_in_a_job_is_the_callers():
    def fail():
        raise ValueError("of the job")

    with use_threads(2), pytest.raises(ValueError, match="of the job"):
        run_all([fail, lambda: None])


def test_only_trained_parameters_get_gradients(network):
    network.trunk.encoder.requires_grad_(False)
    with use_threads(2):
        apply_in_parts(network.trunk, frames_of(8), EPISODES).sum().backward()
    assert all(parameter.grad is None for parameter in network.trunk.encoder.parameters())
    assert all(parameter.grad is not None for parameter in network.trunk.blocks.parameters())
    network.trunk.requires_grad_(False)
    assert not apply_in_parts(network.trunk, frames_of(8), EPISODES).requires_grad


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    with use_threads(2):
        assert run_all([lambda: 1, lambda: 2]) == [1, 2]
        if (child := os.fork()) == 0:
            os._exit(0 if run_all([lambda: 1, lambda: 2]) == [1, 2] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_module_that_needs_other_rows_is_what_parts_are_not_for():
    """The negative control: parts differ from the whole where rows are not independent."""

    class Mean(nn.Module):
        def forward(self, x):
            return x - x.mean(0)

    x = torch.arange(8.0)
    assert not torch.equal(apply_in_parts(Mean(), x, EPISODES), Mean()(x))
