"""The whole procedure: demonstrations, imitation, fine-tuning, preferences, alignment, evaluation, videos, report.

    python -m baselines.pipeline quick --out runs/quick
    python -m baselines.pipeline quick --out runs/wide --config.base.network.width 256  # wider than the preset's

Run the same command again to resume: finished stages are skipped.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

from agents.outcomes import table
from baselines import artifact
from baselines.evaluate import load_outcome
from baselines.models.precision import use_device
from baselines.presets import PRESETS, Preset, PresetName
from baselines.record import record_grid
from baselines.report.report import write_report
from baselines.report.run_directory import RESULTS, TARGET_KINDS
from baselines.stages import Stages
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk, write_atomically
from jumppad_env.rules import Pad

SET_ELSEWHERE = (
    ("demonstrations", "seed", "seed"),
    ("curated", "seed", "seed"),
    ("preferences", "target", "targets"),
    ("aligned", "target", "targets"),
)
"""Settings of a preset that other arguments of the pipeline make: stage, its field, the argument."""


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


@dataclass(frozen=True)
class Arguments:
    """Run the whole procedure, or resume it, and print the outcomes of all agents."""

    preset: tyro.conf.Positional[PresetName]
    """Size of the run."""
    out: Path
    """Run directory; an interrupted run resumes."""
    targets: tuple[Pad, ...] = ("left", "right")
    """Pads to align to."""
    seed: int = 0
    """Seed for all stages."""
    device: str = "auto"
    """Where networks run: cpu, cuda, cuda:1, ...; auto is a GPU where there is one."""
    config: Preset = field(default_factory=Preset)
    """Settings of all stages, each by default the preset's; the run records them."""


def parse(words: Sequence[str] | None = None) -> Arguments:
    """Returns the arguments of a command line, by default the process's; the preset gives the settings' defaults."""
    words = sys.argv[1:] if words is None else words
    named: list[PresetName] = [preset for preset in PRESETS if preset in words]
    name: PresetName = named[0] if named else "quick"  # a guess, for help: the word may be another option's
    while True:
        default = Arguments(preset=tyro.MISSING, out=tyro.MISSING, config=PRESETS[name])
        arguments = tyro.cli(Arguments, prog="python -m baselines.pipeline", default=default, args=words)
        if arguments.preset == name:
            return arguments
        name = arguments.preset


def check(arguments: Arguments) -> None:
    """Refuses arguments that contradict each other, before any work.

    Raises:
        ValueError: No targets, a target named twice, a setting that another argument makes, or frames of a size that
            the network does not read.
    """
    targets, config, preset = arguments.targets, arguments.config, PRESETS[arguments.preset]
    if not targets or len(set(targets)) != len(targets):
        raise ValueError(f"targets must be one or more different pads, got {targets}")
    for stage, name, option in SET_ELSEWHERE:
        if getattr(getattr(config, stage), name) != getattr(getattr(preset, stage), name):
            raise ValueError(f"config.{stage}.{name} has no effect here; give --{option} instead")
    size = config.base.network.image_size
    for stage in ("demonstrations", "curated"):
        if (found := getattr(config, stage).image_size) != size:
            raise ValueError(
                f"config.{stage}.image_size {found} is not config.base.network.image_size {size}; give both the same"
            )


def pipeline(arguments: Arguments) -> None:
    """Runs the whole procedure, or resumes it, and prints the outcomes of all agents.

    Raises:
        ValueError: See `check`; or a run directory of another preset, seed or configuration.
    """
    check(arguments)
    use_device(arguments.device)
    out, targets = arguments.out, arguments.targets
    with explain_full_disk(out):
        results = run_pipeline(Stages(arguments.preset, arguments.config, out, arguments.seed), list(targets))
    outcomes = results["outcomes"]
    rows = {name: outcomes[name] for name in ("demonstrations", "base", "finetuned")}
    for stage in TARGET_KINDS:
        rows |= {f"{stage} {target}": outcomes[stage][target] for target in targets}
    print(table(rows))
    print(f"\n{results['seconds']['total'] / 60:.1f} minutes; open {out / 'report' / 'index.html'}")


if __name__ == "__main__":
    with command_line():
        pipeline(parse())
