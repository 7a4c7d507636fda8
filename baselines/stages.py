"""The stages of a run directory: each is run when it is first requested, and found on disk afterwards.

    stages = Stages("quick", PRESETS["quick"], Path("runs/quick"), seed=0)
    stages.aligned("left")                                       # runs all stages that it needs
    stages.aligned("left", "aligned_base", agent=stages.base())  # a variant beside it, which shares finished stages

A variant has a name, which is its directory, and states what differs: a configuration or another input.

A stage's work is a function that lacks only the directory to write, so that it can be sent to another process, and the
artifacts that it reads are among its arguments. `baselines.laboratory.graph` names stages without running them.
"""

import dataclasses
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.rerendering import rerender
from agents.dataset.selection import merge
from agents.targets import PEOPLE, is_target
from baselines import artifact
from baselines.align import AlignConfig, align
from baselines.artifact import RUN
from baselines.evaluate import EvaluateConfig, evaluate, save_evaluation
from baselines.finetune import FinetuneConfig, finetune
from baselines.preference_finetune import PreferenceFinetuneConfig, preference_finetune
from baselines.preferences import PreferencesConfig, preferences
from baselines.preferences.people.export import export_answers
from baselines.presets import PRESETS, Preset
from baselines.pretrain import PretrainConfig, pretrain
from baselines.reward import RewardConfig, reward
from baselines.rollouts import RolloutsConfig, rollouts
from jumppad_env.files import (
    PARTIAL,
    explain_full_disk,
    is_finished,
    read_json_lines,
    read_sealed,
    seal,
    sole_owner,
    write_atomically,
)
from jumppad_env.files.shapes import Duration
from jumppad_env.machine.cores import count_cores

FORMAT = 2
"""Of run.json; before it said so, it had no checksum."""
TIMINGS = "timings.jsonl"
EVALUATION_SEED = 1000
"""Added to the seed of a run for its evaluations, so that agents are not evaluated on their training episodes."""


UNSEEN = "_unseen"
"""Ends the names of evaluations on levels that no agent has seen."""
UNSEEN_LEVELS = (1_000_000, 0)
"""Those levels: the first one, and that there is no last one."""


class Timing(TypedDict):
    """A line of `timings.jsonl`: an attempt at a stage."""

    stage: str
    seconds: Duration
    ended: NotRequired[Duration]
    """Since 1970; missing in lines of earlier versions."""


class Stages:
    """A run directory and its preset.

    Args:
        name: Name of the preset.
        preset: Settings of all stages.
        out: The run directory.
        seed: Seed for all stages.
        labels: Directory of people's answers to comparisons of the rollouts, for targets of `PEOPLE`.

    Raises:
        ValueError: The directory holds something else, or a run of another preset, seed or configuration.
    """

    def __init__(self, name: str, preset: Preset, out: Path, seed: int, labels: Path | None = None) -> None:
        self.name, self.preset, self.out, self.seed, self.labels = name, preset, out, seed, labels
        self.open()

    def open(self) -> None:
        """Begins the run, or checks that it is this one."""
        path = self.out / RUN
        if not path.is_file():
            with explain_full_disk(self.out):
                _check_free(self.out)
                self.out.mkdir(parents=True, exist_ok=True)
                with sole_owner(self.out):
                    if not path.is_file():  # by another process in the meantime
                        write_atomically(path, seal(self._asked()).encode())
        self.check()

    def check(self) -> None:
        """Checks that the directory holds this run, or none; nothing is written.

        Raises:
            ValueError: It holds something else, or a run of another preset, seed or configuration.
        """
        if (self.out / RUN).is_file():
            _check_same(self.out, read_run(self.out), self._asked(), self.preset)
        else:
            _check_free(self.out)

    def _asked(self) -> dict[str, Any]:
        return {"format": FORMAT, "preset": self.name, "seed": self.seed, "config": artifact.to_json(self.preset)}

    def make(self, name: str, work: Callable[[Path], Any]) -> Path:
        """Runs a stage in its directory unless it is finished, and records its duration.

        Args:
            name: Of the directory in the run.
            work: A `partial` of a function that can be pickled; it is given the directory.

        Raises:
            ValueError: The finished stage has another configuration, seed or input.
        """
        directory = self.out / name
        if is_finished(directory):
            work(directory)  # only compares configuration, seed and inputs
        else:
            self.timed(name, lambda: work(directory))
        return directory

    def timed(self, name: str, work: Callable[[], Any]) -> None:
        """Does some work and records its duration, even if it is interrupted."""
        began = time.monotonic()
        try:
            work()
        finally:
            _drop_cut_off_line(self.out / TIMINGS)
            with (self.out / TIMINGS).open("a") as file:
                seconds = round(time.monotonic() - began, 3)
                file.write(json.dumps({"stage": name, "seconds": seconds, "ended": round(time.time(), 3)}) + "\n")

    def seconds(self) -> dict[str, float]:
        """Returns the seconds spent on each stage over all attempts, and in all, where stages ran side by side once.

        Raises:
            ValueError: The file of timings is damaged.
        """
        spent: dict[str, float] = {}
        total = reached = 0.0
        ends: list[tuple[float, float]] = []
        path = self.out / TIMINGS
        remedy = "delete it: only how long stages took would be unknown"
        for entry in read_json_lines(path, remedy, Timing, cut_off=True) if os.path.lexists(path) else []:
            spent[entry["stage"]] = round(spent.get(entry["stage"], 0.0) + entry["seconds"], 2)
            if "ended" in entry:
                ends.append((entry["ended"] - entry["seconds"], entry["ended"]))
            else:  # of an earlier version, which did one after the other
                total += entry["seconds"]
        for began, ended in sorted(ends):
            total += max(0.0, ended - max(began, reached))
            reached = max(reached, ended)
        return {**spent, "total": round(total, 2)}

    @property
    def has_unseen(self) -> bool:
        """Whether there are levels that demonstrations do not show."""
        return self.preset.demonstrations.world.keywords.get("num_levels", 0) > 0

    # The stages, in the order of the procedure. ------------------------------------------------------------------

    def demonstrations(
        self, name: str = "demonstrations", *, config: CollectConfig | None = None, seed: int | None = None
    ) -> Path:
        """Returns the dataset of diverse human play, by default with the run's seed."""
        asked = dataclasses.replace(config or self.preset.demonstrations, seed=self.seed if seed is None else seed)
        return self.make(name, partial(collect, asked))

    def redrawn(self, name: str, directory: Path, variety: str) -> Path:
        """Returns a dataset with the same episodes, drawn with another visual variety."""
        size = self.preset.base.network.image_size
        return self.make(name, partial(redraw, directory, image_size=size, variety=variety))

    def merged(self, name: str, *datasets: Path) -> Path:
        """Returns the episodes of several datasets in one."""
        return self.make(name, partial(merge, directories=datasets))

    def curated(self, name: str = "curated", *, config: CollectConfig | None = None) -> Path:
        """Returns the dataset of curated demonstrations."""
        return self.demonstrations(name, config=config or self.preset.curated)

    def base(
        self, name: str = "base", *, config: PretrainConfig | None = None, demonstrations: Path | None = None
    ) -> Path:
        """Returns the pre-trained agent."""
        asked, data = config or self.preset.base, demonstrations or self.demonstrations()
        return self.make(name, partial(pretrain, asked, data, seed=self.seed))

    def finetuned(
        self,
        name: str = "finetuned",
        *,
        config: FinetuneConfig | None = None,
        base: Path | None = None,
        curated: Path | None = None,
        mixed: Path | None = None,
    ) -> Path:
        """Returns the agent fine-tuned on curated demonstrations, with `mixed` demonstrations added if given."""
        asked, agent, data = config or self.preset.finetuned, base or self.base(), curated or self.curated()
        return self.make(name, partial(finetune, asked, agent, data, seed=self.seed, mixed=mixed))

    def rollouts(
        self, name: str = "rollouts", *, config: RolloutsConfig | None = None, agent: Path | None = None
    ) -> Path:
        """Returns the dataset of an agent's episodes, by default the fine-tuned agent's."""
        asked, who = config or self.preset.rollouts, agent or self.finetuned()
        return self.make(name, partial(rollouts, asked, who, seed=self.seed))

    def preferences(
        self,
        target: str,
        name: str = "preferences",
        *,
        config: PreferencesConfig | None = None,
        rollouts: Path | None = None,
    ) -> Path:
        """Returns comparisons between rollouts; for a target of `PEOPLE` what they answered."""
        data = rollouts or self.rollouts()
        if target.startswith(PEOPLE):
            if self.labels is None:
                raise ValueError(f"target {target!r} needs the answers of people")
            if is_finished(self.out / target / name):  # others may have come in meanwhile; see baselines.pipeline
                return self.out / target / name
            return self.make(f"{target}/{name}", partial(export_answers, self.labels, data))
        asked = dataclasses.replace(config or self.preset.preferences, target=target)
        return self.make(f"{target}/{name}", partial(preferences, asked, data, seed=self.seed))

    def reward_model(
        self,
        target: str,
        name: str = "reward_model",
        *,
        config: RewardConfig | None = None,
        agent: Path | None = None,
        rollouts: Path | None = None,
        preferences: Path | None = None,
    ) -> Path:
        """Returns a reward model."""
        asked, who, data = config or self.preset.reward_model, agent or self.finetuned(), rollouts or self.rollouts()
        labels = preferences or self.preferences(target)
        return self.make(f"{target}/{name}", partial(reward, asked, who, data, labels, seed=self.seed))

    def preference_finetuned(
        self,
        target: str,
        name: str = "preference_finetuned",
        *,
        config: PreferenceFinetuneConfig | None = None,
        agent: Path | None = None,
        rollouts: Path | None = None,
        reward_model: Path | None = None,
        mixed: Path | None = None,
    ) -> Path:
        """Returns the agent fine-tuned on the rollouts with the highest scores."""
        asked, who = config or self.preset.preference_finetuned, agent or self.finetuned()
        data, judge = rollouts or self.rollouts(), reward_model or self.reward_model(target)
        work = partial(preference_finetune, asked, who, data, judge, seed=self.seed, mixed=mixed)
        return self.make(f"{target}/{name}", work)

    def aligned(
        self,
        target: str,
        name: str = "aligned",
        *,
        config: AlignConfig | None = None,
        agent: Path | None = None,
        reward_model: Path | None = None,
        demonstrations: Path | None = None,
    ) -> Path:
        """Returns the agent aligned with the reward model, with an imitation loss on `demonstrations` if given."""
        asked = dataclasses.replace(config or self.preset.aligned, target=target)
        who, judge = agent or self.preference_finetuned(target), reward_model or self.reward_model(target)
        work = partial(align, asked, who, judge, seed=self.seed, demonstrations=demonstrations)
        return self.make(f"{target}/{name}", work)

    def evaluation(self, name: str, agent: Path, config: EvaluateConfig | None = None, *, unseen: bool = False) -> Path:
        """Returns the evaluation of an agent: outcomes and paths.

        Args:
            name: Directory of the evaluation.
            agent: Directory of the agent.
            config: By default the preset's evaluation; its aligned agents (`<target>_aligned`) have a longer one.
            unseen: Whether it plays on levels that no agent has seen instead, see `has_unseen`; the directory says so.
        """
        if config is None:
            config = self.preset.final_evaluation if _is_of_aligned(name) else self.preset.evaluation
        if unseen:
            name, config = name + UNSEEN, dataclasses.replace(config, levels=UNSEEN_LEVELS)
        seed = self.seed + EVALUATION_SEED
        return self.make(f"evaluations/{name}", partial(evaluate, config, agent, seed=seed))

    def evaluation_of_dataset(self, name: str, directory: Path) -> Path:
        """Returns the evaluation of a dataset's episodes: outcomes and paths."""
        return self.make(f"evaluations/{name}", partial(count_outcomes, name, directory, seed=self.seed))


def redraw(directory: Path, out: Path, image_size: tuple[int, int], variety: str) -> None:
    """Draws a dataset's episodes anew, on all cores of this process."""
    rerender(directory, out, image_size, variety, None, count_cores())


def count_outcomes(name: str, directory: Path, out: Path, seed: int) -> None:
    """Evaluates a dataset's episodes as if an agent of this name had played them."""
    with artifact.begin(out, kind="evaluation", config={}, seed=seed, inputs={name: directory}) as work:
        if work.finished:
            return
        dataset = Dataset(directory)
        episodes = [dataset.trajectory(index) for index in range(len(dataset))]
        work.metrics.update(save_evaluation(episodes, work.directory))


def _is_of_aligned(name: str) -> bool:
    """Returns whether an evaluation is that of a preset's aligned agent."""
    target = name.removesuffix("_aligned")
    return target != name and is_target(target)


def _drop_cut_off_line(path: Path) -> None:
    """Removes the end of a file behind its last line, left by a full disk or a power cut, before more is written."""
    if path.is_file() and (content := path.read_bytes()) and not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def read_run(out: Path) -> dict[str, Any]:
    """Returns what a run directory was begun with: `preset`, `seed` and `config`.

    Raises:
        ValueError: It is damaged.
    """
    return read_sealed(out / RUN, f"delete {out} or choose another --out", unsealed=True)


def _check_free(out: Path) -> None:
    """Refuses a directory that holds something else than the first file of a run, cut off."""
    if not os.path.lexists(out):
        return
    foreign = not out.is_dir() or any(path.name != RUN + PARTIAL for path in out.iterdir())
    if foreign and not (out / RUN).is_file():  # asked last: another process may just have begun it
        raise ValueError(f"{out} exists but is not a run directory (no {RUN}); choose another --out")


def _check_same(out: Path, there: dict[str, Any], asked: dict[str, Any], preset: Preset) -> None:
    """Refuses a run of another preset, seed or configuration."""
    for what in ("preset", "seed", "config"):
        stored, wanted = there.get(what), asked[what]
        if what == "config" and isinstance(stored, dict):
            # A stage that the run does not know is one that was added since: it will be as the preset says.
            stored = artifact.with_defaults(
                {**artifact.to_json(PRESETS.get(asked["preset"], preset)), **stored}, preset
            )
        if found := artifact.differences({what: stored}, {what: wanted}):
            raise ValueError(f"{out} holds a run with another {what}: {found}; choose another --out or delete it")
