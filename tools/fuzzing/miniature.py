"""A finished run so small that all its files can be read thousands of times, made by the stages themselves."""

import contextlib
import json
import os
from pathlib import Path
from unittest.mock import patch

import torch

from agents.collect import CollectConfig
from baselines import artifact
from baselines.align import AlignConfig
from baselines.evaluate import EvaluateConfig
from baselines.finetune import FinetuneConfig
from baselines.laboratory import results
from baselines.laboratory.graph.task import Task
from baselines.models.network import NetworkConfig
from baselines.pipeline import collect_results, write_results
from baselines.preference_finetune import PreferenceFinetuneConfig
from baselines.preferences import PreferencesConfig
from baselines.presets import Preset
from baselines.pretrain import PretrainConfig
from baselines.reproduce.experiments import EXPERIMENTS
from baselines.reward import RewardConfig
from baselines.rollouts import RolloutsConfig
from baselines.stages import TIMINGS, Stages
from baselines.training.loop import OptimizerConfig, train
from jumppad_env.dataset.writing import Unfinished
from jumppad_env.files import seal
from jumppad_env.files.reading import CHECKSUM
from jumppad_env.rules import Pad

ROOT = Path(__file__).parents[2]
TARGET: Pad = "left"
SIZE = (8, 8)
NETWORK = NetworkConfig(
    image_size=SIZE, channels=(4, 4), patch=4, width=8, layers=1, heads=2, context=4, components=2, hold=2
)
EXPERIMENT = next(experiment for experiment in EXPERIMENTS if experiment.name == "outcomes")
ASKED = {"seed": 0, "population": "human"}
"""Of the unfinished dataset."""


def _optimizer(updates: int = 3) -> OptimizerConfig:
    return OptimizerConfig(updates=updates, learning_rate=1e-3, warmup_updates=1)


PRESET = Preset(
    demonstrations=CollectConfig(episodes=3, image_size=SIZE),
    curated=CollectConfig(episodes=3, population="curated", image_size=SIZE),
    base=PretrainConfig(NETWORK, _optimizer(), batch_episodes=2),
    finetuned=FinetuneConfig(_optimizer(), batch_episodes=2),
    rollouts=RolloutsConfig(episodes=8),
    preferences=PreferencesConfig(label="speed", comparisons=4, held_out=4),  # no episode of it reaches a pad
    reward_model=RewardConfig(_optimizer(), batch_comparisons=2),
    preference_finetuned=PreferenceFinetuneConfig(optimizer=_optimizer(), batch_episodes=2),
    aligned=AlignConfig(_optimizer(2), episodes=2),
    evaluation=EvaluateConfig(episodes=2),
    final_evaluation=EvaluateConfig(episodes=2),
    video_episodes=0,
)


def stages_of(run: Path) -> Stages:
    """Opens the miniature as the pipeline does."""
    return Stages("smoke", PRESET, run, seed=0)


class Module(torch.nn.Module):
    """Something that can be trained in no time, for the state of an unfinished training."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.trunk, self.head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)


def train_module(directory: Path, updates: int) -> None:
    """Trains it, or goes on with it."""
    module = Module()

    def loss(update: int) -> tuple[torch.Tensor, dict[str, float]]:
        value = module.head(module.trunk(torch.full((2, 3), float(update)))).square().mean()
        return value, {"value": value.item()}

    config = OptimizerConfig("muon", updates=updates, learning_rate=1e-3, warmup_updates=1)
    train(module, loss, config, directory, description="miniature")


def task_of(run: Path) -> Task:
    """Returns the experiment and seed that rows are there of."""
    return Task(EXPERIMENT.name, EXPERIMENT.measure.__module__, "quick", 0, run / "reproduced")


@patch.dict(os.environ, {"TQDM_DISABLE": "1"})
def make_miniature(run: Path) -> None:
    """Makes a finished run, and beside it what only an unfinished one or the laboratory has."""
    torch.set_num_threads(1)
    stages = stages_of(run)
    stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    agents = {"base": stages.base(), "finetuned": stages.finetuned()}
    agents |= {f"{TARGET}_preference_finetuned": stages.preference_finetuned(TARGET)}
    agents |= {f"{TARGET}_aligned": stages.aligned(TARGET)}
    for name, agent in agents.items():
        stages.evaluation(name, agent)

    with contextlib.suppress(InterruptedError), begin_unfinished(run):
        raise InterruptedError
    with contextlib.suppress(InterruptedError), Unfinished(run / "unfinished/dataset", ASKED):
        raise InterruptedError
    train_module(run / "unfinished/training", 2)
    _write_rows(run)
    _forget_times(run)
    write_results(run, collect_results(stages, [TARGET]))


def _forget_times(run: Path) -> None:
    """Makes all times the same, so that the same numbers give the same inputs in every miniature."""
    for path in run.rglob("manifest.json"):
        manifest = {key: value for key, value in json.loads(path.read_text()).items() if key != CHECKSUM}
        if "seconds" in manifest:
            path.write_text(seal({**manifest, "seconds": 1.5}))
    begun = run / "unfinished/artifact/begun.json"
    begun.write_text(json.dumps({**json.loads(begun.read_text()), "seconds": 1.5}, indent=2))
    lines = [json.loads(line) for line in (run / TIMINGS).read_text().splitlines()]
    timed = [{**line, "seconds": 1.5, "ended": 10**9 + 2.5 * index} for index, line in enumerate(lines)]
    (run / TIMINGS).write_text("".join(json.dumps(line) + "\n" for line in timed))


def begin_unfinished(run: Path) -> contextlib.AbstractContextManager[artifact.Work]:
    """Begins, or goes on with, an artifact that is never finished."""
    inputs = {"demonstrations": run / "demonstrations"}
    return artifact.begin(run / "unfinished/artifact", kind="policy", config=PRESET.base, seed=0, inputs=inputs)


def _write_rows(run: Path) -> None:
    """Writes rows of an experiment as the laboratory does: published ones, of two seeds."""
    content = json.loads((ROOT / "docs" / "results" / f"{EXPERIMENT.name}.json").read_text())
    content["runs"] = content["runs"][:2]
    seeds = {one["seed"] for one in content["runs"]}
    content["rows"] = [row for row in content["rows"] if row["seed"] in seeds]
    result = results.Result(EXPERIMENT, content)
    task = task_of(run)
    results.spread(result, lambda seed: task.rows.with_name(f"seed-{seed}.json"))
    results.write(result, run / "reproduced/results")
