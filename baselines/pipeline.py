"""The whole procedure: demonstrations, imitation, fine-tuning, preferences, alignment, evaluation, videos, report.

    python -m baselines.pipeline quick --out runs/quick

Run the same command again to resume: finished stages are skipped.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.outcomes import table
from baselines import artifact
from baselines.evaluate import load_outcome
from baselines.presets import PRESETS, PresetName
from baselines.record import record_grid
from baselines.report.report import write_report
from baselines.report.run_directory import RESULTS, TARGET_KINDS
from baselines.stages import Stages
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk, write_atomically
from jumppad_env.rules import Pad


def run_pipeline(stages: Stages, targets: list[Pad]) -> dict[str, Any]:
    """Runs all unfinished stages and returns the results.

    Args:
        stages: Run directory, preset and seed.
        targets: Pads to align to, each from the same fine-tuned agent.
    """
    p = stages.preset
    stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    stages.evaluation("base", stages.base())
    stages.evaluation("finetuned", stages.finetuned())
    for target in targets:
        preferred, aligned = stages.preference_finetuned(target), stages.aligned(target)
        stages.evaluation(f"{target}_preference_finetuned", preferred)
        stages.evaluation(f"{target}_aligned", aligned)
    recorded: dict[str, str | Path] = {"demonstrations": p.demonstrations.population}
    recorded |= {"base": stages.base(), "finetuned": stages.finetuned()}
    recorded |= {f"{target}_aligned": stages.aligned(target) for target in targets}
    for name, actor in recorded.items():
        video = stages.out / "videos" / f"{name}.mp4"
        if p.video_episodes and not video.exists():
            stages.timed(
                f"videos/{name}",
                lambda actor=actor, video=video: record_grid(str(actor), p.video_episodes, video, seed=stages.seed),
            )
    collect_results(stages, targets)
    stages.timed("report", lambda: write_report(stages.out))
    return collect_results(stages, targets)


def collect_results(stages: Stages, targets: list[Pad]) -> dict[str, Any]:
    """Collects outcomes, accuracies and times of all stages in `results.json`."""

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
            **{kind: {target: outcome(f"{target}_{kind}") for target in targets} for kind in TARGET_KINDS},
        },
        "reward_model": {target: accuracy(target) for target in targets},
        "seconds": stages.seconds(),
    }
    write_atomically(stages.out / RESULTS, json.dumps(results, indent=2).encode())
    return results


def pipeline(
    preset: Annotated[PresetName, tyro.conf.Positional],
    out: Path,
    targets: tuple[Pad, ...] = ("left", "right"),
    seed: int = 0,
) -> None:
    """Run the whole procedure, or resume it, and print the outcomes of all agents.

    Args:
        preset: Size of the run.
        out: Run directory.
        targets: Pads to align to.
        seed: Seed for all stages.

    Raises:
        ValueError: No targets, a target named twice, or a run directory of another preset, seed or configuration.
    """
    if not targets or len(set(targets)) != len(targets):
        raise ValueError(f"targets must be one or more different pads, got {targets}")
    with explain_full_disk(out):
        results = run_pipeline(Stages(preset, PRESETS[preset], out, seed), list(targets))
    outcomes = results["outcomes"]
    rows = {name: outcomes[name] for name in ("demonstrations", "base", "finetuned")}
    for stage in TARGET_KINDS:
        rows |= {f"{stage} {target}": outcomes[stage][target] for target in targets}
    print(table(rows))
    print(f"\n{results['seconds']['total'] / 60:.1f} minutes; open {out / 'report' / 'index.html'}")


if __name__ == "__main__":
    with command_line():
        tyro.cli(pipeline, prog="python -m baselines.pipeline")
