"""docs/extending.md in its own words: what it tells people to save runs, and is as short as it says."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.targets import Target
from baselines import artifact
from baselines.evaluate import target_of
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.preferences import PreferencesConfig, preferences
from baselines.preferences.labels import label
from baselines.training.loop import OptimizerConfig, read_metrics
from jumppad_env.rules import PADS

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text()
FILES = dict(zip(("dpo", "my_labels"), re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL), strict=True))
TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Saves the page's files and imports one by name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(name):
        (tmp_path / f"{name}.py").write_text(FILES[name])
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_a_method_takes_at_most_60_lines():
    assert len(FILES["dpo"].splitlines()) <= 60


@pytest.mark.slow
def test_the_method_prefers_what_was_chosen_and_resumes(saved, tmp_path):
    dpo = saved("dpo")
    collect(CollectConfig(episodes=120, image_size=(16, 16)), tmp_path / "rollouts")
    with artifact.begin(tmp_path / "agent", kind="policy", config={}, seed=0) as work:
        Policy.initialize(TINY, seed=0).save_pretrained(work.directory)
    preferences(PreferencesConfig("left", comparisons=60, held_out=40), tmp_path / "rollouts", tmp_path / "preferences")
    optimizer = OptimizerConfig("muon", updates=6, learning_rate=7e-4, warmup_updates=1)
    config = dpo.DpoConfig(optimizer, pairs=4, evaluate_every=4, target="left")
    inputs = [tmp_path / name for name in ("agent", "rollouts", "preferences")]
    for _ in range(2):  # the second finds it finished
        dpo.dpo(config, *inputs, tmp_path / "out")
    lines = read_metrics(tmp_path / "out")
    assert lines[0]["chosen"] == lines[0]["rejected"] == 0.0, "at first it is its reference"
    assert lines[-1]["chosen"] > lines[-1]["rejected"]
    assert [line["update"] for line in lines if "played_left" in line] == [3, 5]
    metrics = artifact.load_manifest(tmp_path / "out", "policy")["metrics"]
    assert 0.5 < metrics["accuracy"] <= 1.0 and str(target_of(str(tmp_path / "out"))) == "left"


def test_the_labels_are_what_their_words_say(saved, tmp_path):
    saved("my_labels")
    collect(CollectConfig(episodes=60, population="curated", image_size=None), tmp_path / "people")
    dataset = Dataset(tmp_path / "people")
    pads = np.asarray(dataset.episodes["pad"])
    right = label(dataset, "my_labels:stays_right", None)
    means = [right[pads == pad].mean() for pad in range(len(PADS))]
    assert means == sorted(means), "left, middle, right"
    calm = label(dataset, "my_labels:calm_left", Target.parse("left"))
    assert calm[pads == 0].min() > calm[pads != 0].max()
