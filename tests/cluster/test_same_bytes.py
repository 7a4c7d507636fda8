"""What a cluster of two machines makes has the same bytes as what one process makes."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.rerendering import rerender
from agents.dataset.verification import verify
from agents.rollout import rollout
from agents.workers import playing
from baselines.evaluate import EvaluateConfig, play_episodes
from baselines.models.network import NetworkConfig
from baselines.models.playing import seats
from baselines.models.policy import Policy
from baselines.rollouts import RolloutsConfig, rollouts
from jumppad_env.dataset.writing import EpisodeLog
from tests.cluster.conftest import Machines

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks of few episodes; only who hands them out looks at their size."""
    monkeypatch.setattr(playing, "BLOCK", 16)
    monkeypatch.setattr("agents.dataset.drawing.CHUNK_BYTES", 2**20)


@pytest.fixture
def agent(tmp_path):
    Policy.initialize(TINY, seed=0).save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("population", ["human", "curated"])
def test_collecting(two_machines, tmp_path, population):
    config = CollectConfig(
        episodes=60, population=population, image_size=(16, 16), character="favorite", variety="paper"
    )
    collect(config, tmp_path / "one", workers=1)
    collect(config, tmp_path / "processes", workers=2)
    collect(config, tmp_path / "cluster", cluster=two_machines.address)
    assert contents(tmp_path / "one") == contents(tmp_path / "processes") == contents(tmp_path / "cluster")
    assert Dataset(tmp_path / "one").manifest["episodes"] == 60


def test_rendering_and_verifying(two_machines, tmp_path):
    collect(CollectConfig(episodes=40, image_size=None), tmp_path / "states")
    for name, cluster in (("one", None), ("cluster", two_machines.address)):
        rerender(tmp_path / "states", tmp_path / name, (16, 24), "high", None, 1, cluster)
    assert contents(tmp_path / "one") == contents(tmp_path / "cluster")
    here, there = (verify(tmp_path / "one", 50, 1, cluster=cluster) for cluster in (None, two_machines.address))
    assert here == there and not here[0] and len(here[1]) == 3
    actions = np.load(tmp_path / "one" / "actions.npy", mmap_mode="r+")
    actions[100, 0] ^= 255
    actions.flush()
    assert verify(tmp_path / "one", 0, 1)[0] == verify(tmp_path / "one", 0, 1, cluster=two_machines.address)[0] != []


def test_rollouts_and_evaluations(two_machines, tmp_path, agent):
    for name, cluster in (("one", None), ("cluster", two_machines.address)):
        rollouts(RolloutsConfig(episodes=40), agent, tmp_path / name, cluster=cluster)
    assert contents(tmp_path / "one") == contents(tmp_path / "cluster")
    for probe in ("none", "forced_miss"):
        config = EvaluateConfig(episodes=40, probe=probe)
        (here, found), (there, same) = (play_episodes(config, agent, 3, at) for at in (None, two_machines.address))
        assert found == same and [t.seed for t in here] == [t.seed for t in there]
        assert all(np.array_equal(one.states, other.states) for one, other in zip(here, there, strict=True))


@pytest.mark.skipif("JUMPPAD_THOROUGH" not in os.environ, reason="Ray's server for clients may take minutes to start")
def test_a_machine_that_does_not_belong_to_the_cluster(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra `cluster`")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the cluster's processes, which know no command's folder
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    machines = Machines(client_port=port)
    try:
        command = [sys.executable, "-m", "agents.collect", str(tmp_path / "client"), "--episodes", "600"]
        command += ["--image-size", "16", "16", "--cluster", f"ray://127.0.0.1:{port}"]
        subprocess.run(command, check=True)
    finally:
        machines.close()
    collect(CollectConfig(episodes=600, image_size=(16, 16)), tmp_path / "one", workers=1)
    assert contents(tmp_path / "one") == contents(tmp_path / "client")


def test_frames_of_rollouts_are_those_that_the_agent_saw(tmp_path, agent):
    rollouts(RolloutsConfig(episodes=3), agent, tmp_path / "rollouts")
    dataset = Dataset(tmp_path / "rollouts")
    with seats(agent, 3, keep_frames=True) as (envs, actor):
        seen = list(rollout(envs, actor, [int(seed) for seed in dataset.episodes["seed"]]))
    assert dataset.frames is not None
    assert np.array_equal(dataset.frames, np.concatenate([np.asarray(each.frames) for each in seen]))


def test_rollouts_that_were_stopped_go_on_in_the_middle_of_a_block(tmp_path, agent, monkeypatch):
    rollouts(RolloutsConfig(episodes=40), agent, tmp_path / "whole")
    played = []

    def stop(log, trajectory):
        if len(log.seeds) == 21 and not played:
            played.append(len(log.seeds))
            raise KeyboardInterrupt
        return append_episode(log, trajectory)

    append_episode = EpisodeLog.append
    monkeypatch.setattr(EpisodeLog, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        rollouts(RolloutsConfig(episodes=40), agent, tmp_path / "cut")
    rollouts(RolloutsConfig(episodes=40), agent, tmp_path / "cut")
    assert played == [21] and contents(tmp_path / "whole") == contents(tmp_path / "cut")
