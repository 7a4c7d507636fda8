"""A stock policy of LeRobot trains on an export, in an environment of its own.

LeRobot needs Python 3.12 or newer and another torch than ours. Its environment (2 GB, or 6 with CUDA's libraries)
is made once, in the user's cache; JUMPPAD_LEROBOT names a Python that has LeRobot instead.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.exchange.lerobot import export_lerobot

pytest.importorskip("pyarrow")
pytest.importorskip("av")
PACKAGE = "lerobot[dataset]==0.6.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "jumppad" / "lerobot-0.6.1"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
TRAIN = """
import itertools, json, sys
import torch
from lerobot.configs.types import FeatureType
from lerobot.datasets.lerobot_dataset import LeRobotDataset, LeRobotDatasetMetadata
from lerobot.policies.act.configuration_act import ACTConfig
from lerobot.policies.act.modeling_act import ACTPolicy
from lerobot.utils.feature_utils import dataset_to_policy_features

torch.manual_seed(0)
name, root = "jumppad/people", sys.argv[1]
metadata = LeRobotDatasetMetadata(name, root=root)
features = dataset_to_policy_features(metadata.features)
config = ACTConfig(
    input_features={name: feature for name, feature in features.items() if name.startswith("observation.")},
    output_features={name: feature for name, feature in features.items() if feature.type is FeatureType.ACTION},
    chunk_size=8, n_action_steps=8, dim_model=64, n_heads=4, dim_feedforward=128, n_encoder_layers=1,
    n_vae_encoder_layers=1, pretrained_backbone_weights=None, device="cpu",
)
steps = {"action": [step / metadata.fps for step in range(8)]}
dataset = LeRobotDataset(name, root=root, delta_timestamps=steps, video_backend="pyav")
policy = ACTPolicy(config).train()
optimizer = torch.optim.AdamW(policy.parameters(), 1e-3)
loader = torch.utils.data.DataLoader(dataset, batch_size=8, shuffle=True)
losses = []
for batch in itertools.islice(itertools.chain.from_iterable(itertools.repeat(loader)), 20):
    loss, _ = policy(batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(json.dumps({"inputs": sorted(config.input_features), "frames": len(dataset), "losses": losses}))
"""


def find_python() -> str:
    """Returns a Python that LeRobot supports, or skips the test."""
    versions = sorted(Path.home().glob(".pyenv/versions/3.1[23]*/bin/python3"))
    for candidate in (sys.executable, "python3.12", "python3.13", *map(str, versions)):
        code = "import sys, ensurepip; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 13))"
        if shutil.which(candidate) and not subprocess.run([candidate, "-c", code], capture_output=True).returncode:
            return candidate
    pytest.skip("LeRobot needs Python 3.12 or 3.13")


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that has LeRobot."""
    if given := os.environ.get("JUMPPAD_LEROBOT"):
        return given
    found, made = CACHE / "bin/python", CACHE / "made"
    if not made.exists():
        base = find_python()
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(CACHE.parent).free < 12e9:
            pytest.skip("LeRobot's environment may need 6 GB, twice while it is made")
        option = []
        try:
            urllib.request.urlopen(f"{TORCH_INDEX}/torch/", timeout=10).close()
            option = ["--extra-index-url", TORCH_INDEX]
        except OSError:
            pass  # PyPI's has CUDA
        subprocess.run([base, "-m", "venv", "--clear", CACHE], check=True)
        install = [found, "-m", "pip", "install", "--quiet", *option, PACKAGE]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(CACHE)
            pytest.skip(f"LeRobot cannot be installed: {done.stderr.strip()[-300:]}")
        made.touch()
    return str(found)


@pytest.mark.slow
def test_act_trains_on_an_export_with_states(python, tmp_path):
    collect(CollectConfig(episodes=4, image_size=(32, 32), seed=3), tmp_path / "people", workers=1)
    people = Dataset(tmp_path / "people")
    export_lerobot(people, tmp_path / "lerobot", observed_state=True)
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), "PYTHONPATH": ""}
    command = [python, "-c", TRAIN, tmp_path / "lerobot"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.strip().split("\n")[-1])
    assert said["inputs"] == ["observation.images.camera", "observation.state"]
    assert said["frames"] == len(people.actions) and len(said["losses"]) == 20
    assert sum(said["losses"][-5:]) < 0.5 * sum(said["losses"][:5])
