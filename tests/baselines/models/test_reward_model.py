import pytest
import torch

from baselines.models.network import GamepadTransformer, NetworkConfig
from baselines.models.reward_model import RewardModel

SMALL = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=32, layers=2, heads=2, context=5)


def frames_of(*shape):
    return torch.randint(0, 256, (*shape, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("token", [-1, -4, None])
def test_padding_never_changes_a_score(token):
    torch.manual_seed(0)
    model = RewardModel(SMALL, token)
    lengths = torch.tensor([9, 3, 1, 12])
    frames = frames_of(4, 12)
    with torch.inference_mode():
        padded = model.score(frames, lengths)
        rubbish = frames.clone()
        for row, length in enumerate(lengths):
            rubbish[row, length:] = 255 - rubbish[row, length:]
        torch.testing.assert_close(model.score(rubbish, lengths), padded, rtol=0, atol=1e-5)
        for row, length in enumerate(lengths):
            alone = model.score(frames[row : row + 1, :length], lengths[row : row + 1])
            torch.testing.assert_close(alone, padded[row : row + 1], rtol=1e-4, atol=1e-5)
        assert padded.unique().numel() == 4


def test_the_token_is_counted_from_the_end():
    torch.manual_seed(0)
    last, third = RewardModel(SMALL), RewardModel(SMALL, token=-3)
    third.load_state_dict(last.state_dict())
    frames = frames_of(2, 9)
    with torch.inference_mode():
        torch.testing.assert_close(
            third.score(frames, torch.tensor([9, 6])), last.score(frames, torch.tensor([7, 4])), rtol=1e-4, atol=1e-5
        )
        first = last.score(frames, torch.tensor([1, 1]))  # too short for the token: its first step
        torch.testing.assert_close(third.score(frames, torch.tensor([2, 1])), first, rtol=1e-4, atol=1e-5)


def test_without_a_token_the_mean_over_the_steps_is_read():
    torch.manual_seed(0)
    mean, frames = RewardModel(SMALL, token=None), frames_of(1, 5)
    with torch.inference_mode():
        steps = [mean.head(mean.trunk(frames)[:, step]).item() for step in range(5)]
        for length in (1, 5):
            expected = sum(steps[:length]) / length
            assert abs(mean.score(frames, torch.tensor([length])).item() - expected) < 1e-5


def test_from_policy_copies_the_trunk_and_leaves_the_policy_alone():
    torch.manual_seed(0)
    network = GamepadTransformer(SMALL)
    model = RewardModel.from_policy(network)
    frames, before = frames_of(2, 4), [parameter.clone() for parameter in network.parameters()]
    assert torch.equal(model.trunk(frames), network.trunk(frames))
    model.score(frames, torch.tensor([4, 4])).sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    assert all(torch.equal(now, then) for now, then in zip(network.parameters(), before, strict=True))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_saved_and_loaded_scores_are_identical(tmp_path):
    torch.manual_seed(0)
    model = RewardModel(SMALL, token=-2)
    model.save_pretrained(tmp_path)
    loaded = RewardModel.from_pretrained(tmp_path)
    frames, lengths = frames_of(3, 6), torch.tensor([6, 2, 4])
    with torch.inference_mode():
        assert torch.equal(loaded.score(frames, lengths), model.score(frames, lengths))
    assert loaded.token == -2


def test_a_token_from_the_start_is_refused():
    with pytest.raises(ValueError, match="-1 is the last"):
        RewardModel(SMALL, token=0)


def test_standardized_scores_keep_their_order():
    torch.manual_seed(0)
    model, frames, lengths = RewardModel(SMALL), frames_of(12, 6), torch.full((12,), 6)
    before = model.score(frames, lengths).detach()
    model.standardize(3 * before - 1)  # whatever they are, the same map is applied to what comes later
    after = model.score(frames, lengths).detach()
    slope = float((3 * before - 1).std(unbiased=False))
    torch.testing.assert_close(after * slope, before - float((3 * before - 1).mean()), rtol=1e-4, atol=1e-5)
    assert torch.equal(before.argsort(), after.argsort())
    model.standardize(after)
    again = model.score(frames, lengths).detach()
    assert abs(float(again.mean())) < 1e-5 and abs(float(again.std(unbiased=False)) - 1) < 1e-4


@pytest.mark.parametrize("scores", [torch.zeros(0), torch.full((5,), 3.0)])
def test_scores_that_do_not_differ_are_refused(scores):
    model = RewardModel(SMALL)
    before = model.head.weight.clone()
    with pytest.raises(ValueError, match="learned nothing"):
        model.standardize(scores)
    assert torch.equal(model.head.weight, before)
