"""The whole story: demonstrate, imitate, fine-tune, prefer, align, evaluate, film, report.

    python -m baselines.pipeline quick --out runs/quick

Run again, it skips what is finished and goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.outcomes import table
from baselines import artifact
from baselines.evaluate import load_outcome
from baselines.presets import PRESETS, PresetName
from baselines.record import record_grid
from baselines.report.report import write_report
from baselines.stages import Stages, Target
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk, write_atomically

RESULTS = "results.json"


def run_pipeline(stages: Stages, targets: list[Target]) -> dict[str, Any]:
    """Runs all stages that are not finished and returns the results.

    Args:
        stages: directory, preset and seed.
        targets: pads to align to, each from the same fine-tuned agent.
    """
    p = stages.preset
    stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    stages.evaluation("base", stages.base(), p.evaluation)
    stages.evaluation("finetuned", stages.finetuned(), p.evaluation)
    for target in targets:
        preferred, aligned = stages.preference_finetuned(target), stages.aligned(target)
        stages.evaluation(f"{target}_preference_finetuned", preferred, p.evaluation)
        stages.evaluation(f"{target}_aligned", aligned, p.final_evaluation)
    filmed: dict[str, str | Path] = {"demonstrations": p.demonstrations.population}
    filmed |= {"base": stages.base(), "finetuned": stages.finetuned()}
    filmed |= {f"{target}_aligned": stages.aligned(target) for target in targets}
    for name, actor in filmed.items():
        video = stages.out / "videos" / f"{name}.mp4"
        if p.video_episodes and not video.exists():
            stages.timed(
                f"videos/{name}",
                lambda actor=actor, video=video: record_grid(str(actor), p.video_episodes, video, seed=stages.seed),
            )
    collect_results(stages, targets)
    stages.timed("report", lambda: write_report(stages.out))
    return collect_results(stages, targets)


def collect_results(stages: Stages, targets: list[Target]) -> dict[str, Any]:
    """Gathers outcomes, accuracies and times of all stages into `results.json`."""

    def outcome(name: str) -> dict[str, Any]:
        return load_outcome(stages.out / "evaluations" / name)

    def accuracy(target: str) -> dict[str, Any]:
        metrics = artifact.load_manifest(stages.out / target / "reward_model", "reward_model")["metrics"]
        return {name: metrics[name] for name in ("accuracy", "comparisons")}

    results = {
        "preset": stages.name,
        "targets": targets,
        "seed": stages.seed,
        "outcomes": {
            **{name: outcome(name) for name in ("demonstrations", "base", "finetuned")},
            **{
                stage: {target: outcome(f"{target}_{stage}") for target in targets}
                for stage in ("preference_finetuned", "aligned")
            },
        },
        "reward_model": {target: accuracy(target) for target in targets},
        "seconds": stages.seconds(),
    }
    write_atomically(stages.out / RESULTS, json.dumps(results, indent=2).encode())
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
            stages = Stages(arguments.preset, PRESETS[arguments.preset], arguments.out, arguments.seed)
            results = run_pipeline(stages, list(arguments.targets))
        outcomes = results["outcomes"]
        rows = {name: outcomes[name] for name in ("demonstrations", "base", "finetuned")}
        for stage in ("preference_finetuned", "aligned"):
            rows |= {f"{stage} {target}": outcomes[stage][target] for target in arguments.targets}
        print(table(rows))
        print(f"\n{results['seconds']['total'] / 60:.1f} minutes; open {arguments.out / 'report' / 'index.html'}")


if __name__ == "__main__":
    sys.exit(main())
