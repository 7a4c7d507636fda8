"""The whole story: demonstrate, imitate, fine-tune, prefer, align, evaluate, film, report.

    python -m baselines.pipeline quick --out runs/quick

Run again, it skips what is finished and goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from agents.collect import collect
from agents.dataset import Dataset
from agents.outcomes import table
from baselines import artifact
from baselines.align import align
from baselines.evaluate import OUTCOMES, evaluate, save_evaluation
from baselines.finetune import finetune
from baselines.preference_finetune import preference_finetune
from baselines.preferences import preferences
from baselines.presets import PRESETS, Preset, PresetName
from baselines.pretrain import pretrain
from baselines.record import record_grid
from baselines.report import write_report
from baselines.reward import reward
from baselines.rollouts import rollouts
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk, write_atomically

RUN = "run.json"
RESULTS = "results.json"
TIMINGS = "timings.jsonl"
Target = Literal["left", "middle", "right"]


class Run:
    """A run directory and the preset that fills it.

    Raises:
        ValueError: the directory holds a run of another preset, seed or configuration.
    """

    def __init__(self, name: str, preset: Preset, out: Path, seed: int) -> None:
        self.name, self.preset, self.out, self.seed = name, preset, out, seed
        asked = json.loads(json.dumps({"preset": name, "seed": seed, "config": dataclasses.asdict(preset)}))
        path = out / RUN
        if path.is_file():
            try:
                there = json.loads(path.read_text())
            except (json.JSONDecodeError, UnicodeDecodeError):
                raise ValueError(f"{path} is damaged; delete {out} or choose another --out") from None
            if there != asked:
                what = next((key for key in asked if there.get(key) != asked[key]), "config")
                detail = f" ({there.get(what)} there, {asked[what]} asked)" if what != "config" else ""
                raise ValueError(f"{out} holds a run with another {what}{detail}; choose another --out or delete it")
        elif out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ValueError(f"{out} exists and is no run (no {RUN}); choose another --out")
        else:
            write_atomically(path, json.dumps(asked, indent=2).encode())

    def stage(self, name: str, work: Callable[[Path], Any]) -> Path:
        """Does a stage's work in its directory unless that is finished, and keeps the time it took."""
        directory = self.out / name
        if artifact.is_finished(directory):
            return directory
        began = time.monotonic()
        try:
            work(directory)
        finally:
            self._keep_time(name, time.monotonic() - began)
        return directory

    def seconds(self) -> dict[str, float]:
        """Returns the seconds spent on each stage, interruptions included, and their total."""
        spent: dict[str, float] = {}
        path = self.out / TIMINGS
        for line in path.read_text().splitlines() if path.is_file() else []:
            entry = json.loads(line)
            spent[entry["stage"]] = round(spent.get(entry["stage"], 0.0) + entry["seconds"], 2)
        return {**spent, "total": round(sum(spent.values()), 2)}

    def _keep_time(self, stage: str, seconds: float) -> None:
        with (self.out / TIMINGS).open("a") as file:
            file.write(json.dumps({"stage": stage, "seconds": round(seconds, 3)}) + "\n")

    def timed(self, name: str, work: Callable[[], Any]) -> None:
        """Does work that is repeated at every call, and keeps the time it took."""
        began = time.monotonic()
        work()
        self._keep_time(name, time.monotonic() - began)


def run_pipeline(run: Run, targets: list[Target]) -> dict[str, Any]:
    """Runs all stages that are not finished and returns the results.

    Args:
        run: directory, preset and seed.
        targets: pads to align to, each from the same fine-tuned agent.
    """
    p, seed = run.preset, run.seed
    demonstrations = run.stage(
        "demonstrations", lambda out: collect(dataclasses.replace(p.demonstrations, seed=seed), out)
    )
    curated = run.stage("curated", lambda out: collect(dataclasses.replace(p.curated, seed=seed), out))
    base = run.stage("base", lambda out: pretrain(p.base, demonstrations, out, seed))
    finetuned = run.stage("finetuned", lambda out: finetune(p.finetuned, base, curated, out, seed))
    played = run.stage("rollouts", lambda out: rollouts(p.rollouts, finetuned, out, seed))
    agents = {"base": (base, p.evaluation), "finetuned": (finetuned, p.evaluation)}
    for target in targets:
        wanted = dataclasses.replace(p.preferences, target=target)
        goal = dataclasses.replace(p.aligned, target=target)
        labels = run.stage(f"{target}/preferences", lambda out, c=wanted: preferences(c, played, out, seed))
        judge = run.stage(
            f"{target}/reward_model",
            lambda out, labels=labels: reward(p.reward_model, finetuned, played, labels, out, seed),
        )
        preferred = run.stage(
            f"{target}/preference_finetuned",
            lambda out, judge=judge: preference_finetune(p.preference_finetuned, finetuned, played, judge, out, seed),
        )
        aligned = run.stage(
            f"{target}/aligned",
            lambda out, c=goal, preferred=preferred, judge=judge: align(c, preferred, judge, out, seed),
        )
        agents[f"{target}_preference_finetuned"] = (preferred, p.preference_evaluation)
        agents[f"{target}_aligned"] = (aligned, p.final_evaluation)

    def count_demonstrations(out: Path) -> None:
        inputs = {"demonstrations": demonstrations}
        with artifact.begin(out, kind="evaluation", config={}, seed=seed, inputs=inputs) as work:
            dataset = Dataset(demonstrations)
            work.metrics.update(save_evaluation([dataset.trajectory(i) for i in range(len(dataset))], work.directory))

    run.stage("evaluations/demonstrations", count_demonstrations)
    for name, (agent, config) in agents.items():
        run.stage(f"evaluations/{name}", lambda out, c=config, agent=agent: evaluate(c, agent, out, seed + 1000))
    filmed = {"demonstrations": p.demonstrations.population, "base": base, "finetuned": finetuned}
    filmed |= {f"{target}_aligned": run.out / target / "aligned" for target in targets}
    for name, actor in filmed.items():
        video = run.out / "videos" / f"{name}.mp4"
        if p.video_episodes and not video.exists():
            run.timed(
                f"videos/{name}",
                lambda actor=actor, video=video: record_grid(str(actor), p.video_episodes, video, seed=seed),
            )
    collect_results(run, targets)
    run.timed("report", lambda: write_report(run.out))
    return collect_results(run, targets)


def collect_results(run: Run, targets: list[Target]) -> dict[str, Any]:
    """Gathers outcomes, accuracies and times of all stages into `results.json`."""

    def outcome(name: str) -> dict[str, Any]:
        return json.loads((run.out / "evaluations" / name / OUTCOMES).read_text())

    def accuracy(target: str) -> dict[str, Any]:
        metrics = artifact.load_manifest(run.out / target / "reward_model", "reward_model")["metrics"]
        return {name: metrics[name] for name in ("accuracy", "comparisons")}

    results = {
        "preset": run.name,
        "targets": targets,
        "seed": run.seed,
        "outcomes": {
            **{name: outcome(name) for name in ("demonstrations", "base", "finetuned")},
            **{
                stage: {target: outcome(f"{target}_{stage}") for target in targets}
                for stage in ("preference_finetuned", "aligned")
            },
        },
        "reward_model": {target: accuracy(target) for target in targets},
        "seconds": run.seconds(),
    }
    write_atomically(run.out / RESULTS, json.dumps(results, indent=2).encode())
    return results


@dataclass(frozen=True)
class Arguments:
    """Run the whole story."""

    preset: Annotated[PresetName, tyro.conf.Positional]
    """Size of the run."""
    out: Path
    """Run directory; a run that was interrupted goes on."""
    targets: tuple[Target, ...] = ("left", "right")
    """Pads to align to."""
    seed: int = 0
    """Of everything."""


def main() -> None:
    """Runs the command line."""
    with command_line():
        arguments = tyro.cli(Arguments)
        if not arguments.targets or len(set(arguments.targets)) != len(arguments.targets):
            raise ValueError(f"targets {arguments.targets} must be one or more different pads")
        with explain_full_disk(arguments.out):
            run = Run(arguments.preset, PRESETS[arguments.preset], arguments.out, arguments.seed)
            results = run_pipeline(run, list(arguments.targets))
        outcomes = results["outcomes"]
        rows = {name: outcomes[name] for name in ("demonstrations", "base", "finetuned")}
        for stage in ("preference_finetuned", "aligned"):
            rows |= {f"{stage} {target}": outcomes[stage][target] for target in arguments.targets}
        print(table(rows))
        print(f"\n{results['seconds']['total'] / 60:.1f} minutes; open {arguments.out / 'report' / 'index.html'}")


if __name__ == "__main__":
    sys.exit(main())
