"""The whole procedure: demonstrations, imitation, fine-tuning, preferences, alignment, evaluation, videos, report.

    python -m baselines.pipeline quick --out runs/quick
    python -m baselines.pipeline quick --out runs/wide --config.base.network.width 256  # wider than the preset's

Run the same command again to resume: finished stages are skipped.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import tyro

from agents.outcomes import table
from agents.progress import Progress
from agents.targets import PEOPLE, Target
from agents.workers import Processes
from agents.workers.graph import Job, run_graph
from baselines import artifact
from baselines.evaluate import load_outcome
from baselines.models.precision import choose_device, use_device
from baselines.models.threads import count_threads, take_share_of_cores
from baselines.preferences.people.export import digest_of, export_answers
from baselines.preferences.people.store import read_answers
from baselines.presets import PRESETS, TARGETS, Preset, PresetName
from baselines.record import record_grid
from baselines.report.report import page_of, write_report
from baselines.report.run_directory import RESULTS, TARGET_KINDS
from baselines.stages import TIMINGS, UNSEEN, Stages
from jumppad_env.command_line import command_line
from jumppad_env.files import digests, explain_full_disk, seal, write_atomically

FORMAT = 2
"""Of results.json; before it said so, it had no checksum."""
EARLIER = "earlier"
"""What was learned from other answers of people."""
SET_ELSEWHERE = (
    ("demonstrations", "seed", "seed"),
    ("curated", "seed", "seed"),
    ("preferences", "target", "targets"),
    ("aligned", "target", "targets"),
)
"""Settings of a preset that other arguments of the pipeline make: stage, its field, the argument."""


def run_pipeline(stages: Stages, targets: list[str], workers: int = 1) -> dict[str, Any]:
    """Runs all unfinished stages and returns the results.

    Args:
        stages: Run directory, preset and seed.
        targets: What to align to, each from the same fine-tuned agent.
        workers: Processes that share the stages after fine-tuning.
    """
    stages.evaluation_of_dataset("demonstrations", stages.demonstrations())
    stages.rollouts()
    # The longest first. Each needs nothing but what is there by now.
    jobs: dict[str, Callable[[], Any]] = {target: partial(_align_and_evaluate, stages, target) for target in targets}
    agents = {"base": stages.base(), "finetuned": stages.finetuned()}
    jobs |= {f"evaluation of {name}": partial(_evaluate, stages, name, agent) for name, agent in agents.items()}
    recorded = {"demonstrations": stages.preset.demonstrations.population, **agents}
    jobs |= {f"video of {name}": partial(_record, stages, name, actor) for name, actor in recorded.items()}
    made = _results(stages, targets)
    if workers == 1 or all(map(_is_there, made)):
        for job in jobs.values():
            job()
    else:
        _run_side_by_side(jobs, workers, made)
    results = collect_results(stages, targets)
    if page_of(stages.out).is_file() and _is_written(stages.out / RESULTS, results):
        return results  # nothing was done, so nothing is written: the run may be on a disk that cannot be written to
    write_results(stages.out, results)
    stages.timed("report", lambda: write_report(stages.out))
    return write_results(stages.out, collect_results(stages, targets))


def _align_and_evaluate(stages: Stages, target: str) -> None:
    """Makes, evaluates and records the agents of a target."""
    preferred, aligned = stages.preference_finetuned(target), stages.aligned(target)
    _evaluate(stages, f"{target}_preference_finetuned", preferred)
    _evaluate(stages, f"{target}_aligned", aligned)
    _record(stages, f"{target}_aligned", aligned)


def _evaluate(stages: Stages, name: str, agent: Path) -> None:
    """Evaluates an agent, on levels also where it has never been."""
    stages.evaluation(name, agent)
    if stages.has_unseen:
        stages.evaluation(name, agent, unseen=True)


def _record(stages: Stages, name: str, actor: str | Path) -> None:
    """Records the video of an actor, unless it is there."""
    video, episodes = stages.out / "videos" / f"{name}.mp4", stages.preset.video_episodes
    world = stages.preset.demonstrations.world
    if episodes and not video.exists():
        stages.timed(f"videos/{name}", lambda: record_grid(str(actor), episodes, video, stages.seed, world))


def _results(stages: Stages, targets: list[str]) -> list[Path]:
    """Returns what the jobs after fine-tuning make: artifacts and videos."""
    names = [f"{target}/{name}" for target in targets for name in ("preferences", "reward_model", *TARGET_KINDS)]
    names += [
        f"evaluations/{agent}{seen}" for agent in _agents(targets) for seen in ("", UNSEEN)[: 1 + stages.has_unseen]
    ]
    if stages.preset.video_episodes:
        recorded = ["demonstrations", "base", "finetuned", *(f"{target}_aligned" for target in targets)]
        names += [f"videos/{name}.mp4" for name in recorded]
    return [stages.out / name for name in names]


def _agents(targets: list[str]) -> list[str]:
    """Returns the names of all agents in evaluations."""
    return ["base", "finetuned", *(f"{target}_{kind}" for target in targets for kind in TARGET_KINDS)]


def _is_there(result: Path) -> bool:
    return result.is_file() or artifact.is_finished(result)


def _run_side_by_side(jobs: dict[str, Callable[[], Any]], workers: int, results: list[Path]) -> None:
    """Runs jobs in processes, with a bar that counts the results that are there.

    Raises:
        Exception: That of the first job that failed; what others made is kept.
    """
    failed: list[BaseException] = []

    def done() -> int:
        return sum(map(_is_there, results))

    with Progress(description="stages", total=len(results), initial=done(), unit="stage") as bar:

        def show(running: list[Job]) -> None:
            bar.set_postfix_str(", ".join(job.name for job in running), refresh=False)
            bar.update(done() - bar.n)

        def note(_: Job, error: BaseException | None) -> None:
            if error is not None:
                failed.append(error)

        # More processes than jobs would keep cores from the others.
        with closing(Processes(min(workers, len(jobs)), take_share_of_cores)) as processes:
            run_graph([Job(name, work) for name, work in jobs.items()], processes, watch=show, ended=note)
        show([])
    if failed:
        raise failed[0]


def collect_results(stages: Stages, targets: list[str]) -> dict[str, Any]:
    """Returns outcomes, accuracies and times of all stages, and the checksums of files that no artifact has."""

    def outcome(name: str) -> dict[str, Any]:
        return load_outcome(stages.out / "evaluations" / name)

    def accuracy(target: str) -> dict[str, Any]:
        metrics = artifact.load_manifest(stages.out / target / "reward_model", "reward_model")["metrics"]
        return {name: metrics[name] for name in ("accuracy", "comparisons")}

    listed = [stages.out / TIMINGS, *(path for path in _results(stages, targets) if path.suffix == ".mp4")]
    return {
        "format": FORMAT,
        "preset": stages.name,
        "targets": targets,
        "seed": stages.seed,
        "outcomes": {
            **{name: outcome(name) for name in ("demonstrations", "base", "finetuned")},
            **{kind: {target: outcome(f"{target}_{kind}") for target in targets} for kind in TARGET_KINDS},
        },
        **({"unseen": {agent: outcome(agent + UNSEEN) for agent in _agents(targets)}} if stages.has_unseen else {}),
        "reward_model": {target: accuracy(target) for target in targets},
        "seconds": stages.seconds(),
        "files": digests(stages.out, (path.relative_to(stages.out).as_posix() for path in listed if path.is_file())),
    }


def write_results(out: Path, results: dict[str, Any]) -> dict[str, Any]:
    """Writes `results.json`, sealed, and returns the results."""
    write_atomically(out / RESULTS, seal(results).encode())
    return results


def _is_written(path: Path, results: dict[str, Any]) -> bool:
    return path.is_file() and path.read_bytes() == seal(results).encode()


@dataclass(frozen=True)
class Arguments:
    """Run the whole procedure, or resume it, and print the outcomes of all agents."""

    preset: tyro.conf.Positional[PresetName]
    """Size of the run."""
    out: Path
    """Run directory; an interrupted run resumes."""
    targets: tuple[str, ...] = ("left", "right")
    """What to align to: left, middle, right; on levels also red, ...; on several islands a pad for each, as in
    left,right. By default what suits the preset."""
    labels: Path | None = None
    """Directory of people's answers from `baselines.label`, instead of synthetic comparisons; then one target, the one
    that the question means."""
    seed: int = 0
    """Seed for all stages."""
    device: str = "auto"
    """Where networks run: cpu, cuda, cuda:1, ...; auto is a GPU where there is one."""
    workers: int | None = None
    """Processes that share the stages after fine-tuning; by default one per thread of networks (OMP_NUM_THREADS or the
    cores), one where networks run on a GPU. Results do not depend on it."""
    config: Preset = field(default_factory=Preset)
    """Settings of all stages, each by default the preset's; the run records them."""


def parse(words: Sequence[str] | None = None) -> Arguments:
    """Returns the arguments of a command line, by default the process's; the preset gives the settings' defaults."""
    words = sys.argv[1:] if words is None else words
    named: list[PresetName] = [preset for preset in PRESETS if preset in words]
    name: PresetName = named[0] if named else "quick"  # a guess, for help: the word may be another option's
    while True:
        default = Arguments(tyro.MISSING, tyro.MISSING, TARGETS[name], config=PRESETS[name])
        arguments = tyro.cli(Arguments, prog="python -m baselines.pipeline", default=default, args=words)
        if arguments.preset == name:
            return arguments
        name = arguments.preset


def check(arguments: Arguments) -> None:
    """Refuses arguments that contradict each other, before any work.

    Raises:
        ValueError: No targets, a target named twice or that no level has, a setting that another argument makes, frames
            of a size that the network does not read, or demonstrations of different worlds.
    """
    if arguments.workers is not None and arguments.workers < 1:
        raise ValueError(f"workers must be at least 1, got {arguments.workers}")
    targets, config, preset = arguments.targets, arguments.config, PRESETS[arguments.preset]
    if not targets or len(set(targets)) != len(targets):
        raise ValueError(f"targets must be one or more different ones, got {targets}")
    if arguments.labels is not None:
        if len(targets) > 1:
            raise ValueError(
                f"the answers in {arguments.labels} are to one question; give one --targets, not {targets}"
            )
        read_answers(arguments.labels)
    for target in targets:
        if target.startswith(PEOPLE):
            raise ValueError(f"target {target!r} is made by --labels; give --targets {target.removeprefix(PEOPLE)}")
        Target.parse(target).check(config.demonstrations.world.settings)
    for stage, name, option in SET_ELSEWHERE:
        if getattr(getattr(config, stage), name) != getattr(getattr(preset, stage), name):
            raise ValueError(f"config.{stage}.{name} has no effect here; give --{option} instead")
    size = config.base.network.image_size
    for stage in ("demonstrations", "curated"):
        if (found := getattr(config, stage).image_size) != size:
            raise ValueError(
                f"config.{stage}.image_size {found} is not config.base.network.image_size {size}; give both the same"
            )
    there, asked = config.demonstrations.world, config.curated.world
    if not asked.resembles(there):
        raise ValueError(
            f"config.curated is in another world than config.demonstrations: {asked.entry}, not {there.entry}; give "
            "both the same"
        )


def set_aside_other_answers(stages: Stages, target: str) -> None:
    """Moves what a target was made of to `earlier`, if that was other answers of people than there are now.

    What is not complete goes on with the answers that it began with.

    Raises:
        ValueError: The answers are to another question, about other episodes, too few, or damaged.
    """
    assert stages.labels is not None
    pairs = stages.out / target / "preferences"
    if not artifact.is_finished(pairs):
        return
    about, given, _ = read_answers(stages.labels)
    made_of = artifact.load_manifest(pairs, "preferences")["config"]
    if about["question"] != made_of["question"]:
        raise ValueError(
            f"{pairs} answers {made_of['question']!r}, but {stages.labels} {about['question']!r}; choose another --out"
        )
    if made_of["answers"] == digest_of(given):
        return
    if not all(map(_is_there, _results(stages, [target]))):
        print(f"{target} goes on with the answers that it began with; run this again to learn from those of now")
        return
    with tempfile.TemporaryDirectory(dir=stages.out) as trial:  # refuses what it could not learn from
        export_answers(stages.labels, stages.rollouts(), Path(trial) / "preferences")
    place = next(path for number in count(1) if not (path := stages.out / EARLIER / f"{target}_{number}").exists())
    made = [path for name in ("evaluations", "videos") for path in (stages.out / name).glob(f"{target}_*")]
    for path in (*made, stages.out / target):  # without which nothing would be known of the others, so it goes last
        moved = place / path.relative_to(stages.out)
        moved.parent.mkdir(parents=True, exist_ok=True)
        path.rename(moved)
    print(f"{target} was made of other answers; that is in {place} now")


def pipeline(arguments: Arguments) -> None:
    """Runs the whole procedure, or resumes it, and prints the outcomes of all agents.

    Raises:
        ValueError: See `check`; or a run directory of another preset, seed or configuration.
    """
    check(arguments)
    use_device(arguments.device)
    workers = arguments.workers or (count_threads() if choose_device().type == "cpu" else 1)
    out, targets = arguments.out, list(arguments.targets)
    if arguments.labels is not None:
        targets = [PEOPLE + target for target in targets]
    with explain_full_disk(out):
        stages = Stages(arguments.preset, arguments.config, out, arguments.seed, arguments.labels)
        if arguments.labels is not None:
            set_aside_other_answers(stages, targets[0])
        results = run_pipeline(stages, targets, workers)
    outcomes = results["outcomes"]
    rows = {name: outcomes[name] for name in ("demonstrations", "base", "finetuned")}
    for stage in TARGET_KINDS:
        rows |= {f"{stage} {target}": outcomes[stage][target] for target in targets}
    print(table(rows))
    print(f"\n{results['seconds']['total'] / 60:.1f} minutes; open {page_of(out)}")


if __name__ == "__main__":
    with command_line():
        pipeline(parse())
