"""A stock policy of LeRobot trains on an export, in an environment of its own.

LeRobot needs Python 3.12 or newer and another torch than ours, 2 GB or, with CUDA's libraries, 6. CONTRIBUTING.md has
the commands that make such an environment; the variable JUMPPAD_LEROBOT names its Python.
"""

import json
import os
import subprocess

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.exchange.lerobot import export_lerobot

pytest.importorskip("pyarrow")
pytest.importorskip("av")
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


@pytest.mark.slow
@pytest.mark.skipif("JUMPPAD_LEROBOT" not in os.environ, reason="JUMPPAD_LEROBOT names no Python that has LeRobot")
def test_act_trains_on_an_export_with_states(tmp_path):
    collect(CollectConfig(episodes=4, image_size=(32, 32), seed=3), tmp_path / "people", workers=1)
    people = Dataset(tmp_path / "people")
    export_lerobot(people, tmp_path / "lerobot", observed_state=True)
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub"), "PYTHONPATH": ""}
    command = [os.environ["JUMPPAD_LEROBOT"], "-c", TRAIN, tmp_path / "lerobot"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.strip().split("\n")[-1])
    assert said["inputs"] == ["observation.images.camera", "observation.state"]
    assert said["frames"] == len(people.actions) and len(said["losses"]) == 20
    assert sum(said["losses"][-5:]) < 0.5 * sum(said["losses"][:5])
