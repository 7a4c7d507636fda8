"""The commands that write, each so small that it can be run hundreds of times."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.collect import collect
from agents.dataset import Dataset
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, keep, merge, split
from agents.figures import video
from baselines.align import align
from baselines.evaluate import evaluate
from baselines.finetune import finetune
from baselines.laboratory import Measuring
from baselines.laboratory.graph import task as tasks
from baselines.preference_finetune import preference_finetune
from baselines.preferences import preferences
from baselines.pretrain import pretrain
from baselines.record import RecordConfig, record
from baselines.report.report import write_report
from baselines.reward import reward
from baselines.rollouts import rollouts
from baselines.stages import Stages
from baselines.training import loop
from jumppad_env.files import is_finished
from jumppad_env.game import recording
from jumppad_env.game.game import Played
from tools.fuzzing.miniature import PRESET, TARGET, stages_of

SEED = 0


@dataclass(frozen=True)
class Command:
    """Something that writes into a folder."""

    run: Callable[[Path], Any]
    """Does all its work in the folder; run again, it goes on."""
    needs: str = ""
    """What the folder holds before: "run" for a finished run, "" for nothing."""


@contextmanager
def in_haste() -> Iterator[None]:
    """Saves the state of trainings after every update, instead of every half minute, and makes small films."""
    keywords: Any = loop.train.__kwdefaults__
    before = keywords["checkpoint_seconds"], video.EPISODE_SIZE, video.CELL_SIZE
    keywords["checkpoint_seconds"], video.EPISODE_SIZE, video.CELL_SIZE = 0.0, (48, 80), (48, 80)
    try:
        yield
    finally:
        keywords["checkpoint_seconds"], video.EPISODE_SIZE, video.CELL_SIZE = before


def commands(finished: Path) -> dict[str, Command]:
    """Returns the commands by name.

    Args:
        finished: the miniature of a run, whose artifacts are inputs.
    """
    p, r = PRESET, finished
    agent, data, judge = r / "finetuned", r / "rollouts", r / TARGET / "reward_model"
    asked = r / TARGET / "preferences"
    everything: dict[str, Callable[[Path], Any]] = {
        "collect": lambda o: collect(p.demonstrations, o / "d", 1),
        "collect curated": lambda o: collect(p.curated, o / "d", 1),
        "rerender": lambda o: rerender(r / "demonstrations", o / "d", (8, 16), "high", None, 1),
        "filter": lambda o: keep(r / "demonstrations", o / "d", Wanted(min_length=2)),
        "filter some": lambda o: keep(data, o / "d", Wanted(min_length=100)),
        "merge": lambda o: merge(o / "d", [r / "demonstrations", r / "curated"]),
        "split": lambda o: split(data, (0.5, 0.5), (o / "a", o / "b"), SEED),
        "rollouts": lambda o: rollouts(p.rollouts, agent, o / "d", SEED),
        "recording": lambda o: _record_play(data, o),
        "pretrain": lambda o: pretrain(p.base, r / "demonstrations", o / "a", SEED),
        "finetune": lambda o: finetune(p.finetuned, r / "base", r / "curated", o / "a", SEED),
        "preferences": lambda o: preferences(p.preferences, data, o / "a", SEED),
        "reward": lambda o: reward(p.reward_model, agent, data, asked, o / "a", SEED),
        "preference_finetune": lambda o: preference_finetune(p.preference_finetuned, agent, data, judge, o / "a", SEED),
        "align": lambda o: align(p.aligned, agent, judge, o / "a", SEED),
        "evaluate": lambda o: evaluate(p.evaluation, agent, o / "a", SEED),
        "record": lambda o: record(RecordConfig(str(agent), o / "v", episodes=2, grid=True)),
        "pipeline start": lambda o: Stages("smoke", p, o / "run", SEED).evaluation_of_dataset(
            "demonstrations", stages_of(o / "run").demonstrations()
        ),
        "reproduce": _reproduce,
    }
    found = {name: Command(work) for name, work in everything.items()}
    return found | {"report": Command(lambda o: write_report(o / "run"), needs="run")}


def _reproduce(out: Path) -> None:
    task = tasks.Task("moments", __name__, "smoke", SEED, out / "r")
    if not tasks.is_measured(task):
        tasks.measure(task)


def measure(stages: Stages) -> Measuring:
    """Is an experiment, for `_reproduce`, that needs one stage."""
    made = stages_of(stages.out / "inner").demonstrations()
    yield
    return [{"finished": is_finished(made)}]


def _record_play(data: Path, out: Path) -> None:
    """Keeps three episodes, unless the recording is finished: then another directory is asked for."""
    dataset, finished = Dataset(data), is_finished(out / "d")
    with contextlib.suppress(*[ValueError] * finished), recording.record(out / "d", SEED) as kept:
        for number in range(len(kept.seeds), 3):
            t = dataset.trajectory(number)
            states = np.concatenate([t.states, t.states[-1:]])
            kept.keep(Played(t.seed, t.character, None, t.pad, t.fell, True, t.actions, states))
