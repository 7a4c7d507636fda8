"""Alignment with actors on a cluster: the bytes of one process with as many actors, whatever is lost."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from baselines import artifact
from baselines.align import AlignConfig, actors, align, reinforce
from baselines.models.gamepad_distribution import BUCKETS, COMPONENT_LOGITS
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.models.reward_model import RewardModel
from baselines.training.loop import OptimizerConfig, read_metrics
from jumppad_env.streams import integer_seed
from tests.cluster import jobs

pytestmark = pytest.mark.slow
TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)
OPTIMIZER = OptimizerConfig(updates=3, learning_rate=0.01, warmup_updates=0)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """An agent, which runs straight on, and a reward model."""
    agent, judge = (tmp_path_factory.mktemp("models") / name for name in ("agent", "reward_model"))
    policy = Policy.initialize(TINY, seed=0)
    policy.network.head.bias.detach().view(-1, COMPONENT_LOGITS)[:, 2 * BUCKETS] += 5  # the left stick, forward
    with artifact.begin(agent, kind="policy", config={}, seed=0):
        policy.save_pretrained(agent)
    with artifact.begin(judge, kind="reward_model", config={}, seed=0):
        RewardModel.from_policy(policy.network).save_pretrained(judge)
    return agent, judge


@pytest.fixture
def aligned(models, tmp_path):
    """Aligns an agent in a directory of this name, and returns its bytes."""

    def run(name: str, cluster: str | None = None, **settings) -> tuple[bytes, bytes]:
        agent, judge = models
        align(AlignConfig(OPTIMIZER, episodes=5, **settings), agent, judge, tmp_path / name, cluster=cluster)
        return contents(tmp_path / name)

    return run


def contents(directory: Path) -> tuple[bytes, bytes]:
    return (directory / "model.safetensors").read_bytes(), (directory / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"actors": 2},
        {"actors": 2, "forced_misses": 1.0, "trained": "adapters"},
        {"actors": 2, "overlap": True},
    ],
    ids=["one", "two", "forced misses, adapters", "overlap"],
)
def test_a_cluster_makes_the_bytes_of_one_process(two_machines, aligned, settings):
    assert aligned("here", **settings) == aligned("cluster", two_machines.address, **settings)


def test_an_actor_that_is_killed_costs_its_block(two_machines, aligned, tmp_path, monkeypatch):
    whole = aligned("whole", actors=2)
    lost = integer_seed(0, "align", 1, 2)  # of 5 episodes, the second actor plays the last three
    monkeypatch.setattr(actors, "play_block", partial(jobs.play_and_die_once, tmp_path, lost))
    assert whole == aligned("killed", two_machines.address, actors=2)
    played = [path.name.split()[0] for path in tmp_path.glob("* block")]
    assert len(played) == 7 and played.count(str(lost)) == 2


def test_a_run_that_was_interrupted_goes_on_to_the_same_bytes(two_machines, aligned, monkeypatch):
    whole, calls, compute = aligned("whole", actors=2), [], reinforce.alignment_loss

    def stop(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return compute(*arguments)

    monkeypatch.setattr(reinforce, "alignment_loss", stop)
    with pytest.raises(KeyboardInterrupt):
        aligned("cut", two_machines.address, actors=2)
    assert whole == aligned("cut", two_machines.address, actors=2)
    assert len(calls) == 1 + OPTIMIZER.updates, "it went on with the second update"


def test_overlapping_episodes_are_an_update_old(aligned, tmp_path):
    aligned("fresh", actors=2)
    aligned("overlapping", actors=2, overlap=True)
    fresh, overlapping = read_metrics(tmp_path / "fresh"), read_metrics(tmp_path / "overlapping")
    assert {name: overlapping[0][name] for name in fresh[0]} == fresh[0], "the first ones are not"
    ratios, effective = (np.array([line[name] for line in overlapping]) for name in ("ratio", "effective_episodes"))
    assert ratios[0] == effective[0] == 1
    assert (ratios[1:] != 1).all() and (effective[1:] < 1).all() and (effective[1:] >= 0.2).all()
    assert overlapping[1]["reward"] != fresh[1]["reward"]
