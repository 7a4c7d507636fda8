"""Verification: what a run holds is what was written, and its parts belong together.

    python -m baselines.verify runs/quick
    python -m baselines.verify runs/quick --replay  # all episodes are played again, bit for bit
    python -m baselines.verify runs/reproduce

Every fault names the file or directory that it was found in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from agents.dataset import Dataset
from agents.dataset.verification import file_faults
from agents.dataset.verification import verify as verify_dataset
from agents.progress import Progress
from baselines import artifact
from baselines.evaluate import PATHS, load_outcome
from baselines.laboratory.graph.task import ROWS
from baselines.laboratory.rows import read_measured
from baselines.models.policy import Policy
from baselines.models.reward_model import RewardModel
from baselines.preferences.comparisons import load_comparisons
from baselines.report.checksum import check_page
from baselines.report.report import page_of
from baselines.report.run_directory import RESULTS
from baselines.stages import read_run
from baselines.training.loop import METRICS, read_metrics
from jumppad_env.files import BEGUN, MANIFEST, content_digest, read_json, read_sealed, sha256
from jumppad_env.files.reading import CHECKSUM
from jumppad_env.machine.cores import count_cores

FRAMES = 1000
"""Frames of a dataset that are rendered again."""
REMEDY = "delete it and run the command that made it again"


@dataclass
class Verification:
    """What was found."""

    faults: list[str] = field(default_factory=list)
    """One line each."""
    right: list[str] = field(default_factory=list)
    """What was checked and found right."""

    def check(self, work: Callable[[], Any]) -> None:
        """Does some work; the error that says what is wrong becomes a fault."""
        try:
            work()
        except (ValueError, OSError) as error:
            self.faults.append(" ".join(str(error).split()))


def verify(directory: Path, replay: bool = False, threads: int = 1) -> Verification:
    """Verifies a run, a directory of experiments, or a single artifact or dataset.

    Args:
        directory: Of what is to be verified.
        replay: Whether the episodes of datasets are played again, and some frames rendered again.
        threads: That replay and render.

    Raises:
        FileNotFoundError: There is nothing to verify.
    """
    made = [directory] if artifact.is_finished(directory) else sorted(p.parent for p in directory.rglob(MANIFEST))
    begun = sorted(path.parent for path in directory.rglob(BEGUN) if not (path.parent / MANIFEST).exists())
    runs = sorted(path.parent for path in directory.rglob(artifact.RUN))
    rows = sorted(directory.glob(f"{ROWS}/*/seed-*.json"))
    if not (made or begun or runs or rows):
        raise FileNotFoundError(f"{directory} holds no run, artifact or dataset; give the directory of one")
    found = Verification()
    found.faults += [f"{path} is unfinished (no {MANIFEST}); run the same command again" for path in begun]
    manifests: dict[Path, dict[str, Any]] = {}
    for path in made:
        found.check(lambda path=path: manifests.update({path: artifact.read_manifest(path)}))
    known = {digest: path for path, manifest in manifests.items() for digest in _names(path, manifest)}
    whole = len(made) > 1  # of a single artifact, the inputs are not at hand
    for path, manifest in Progress(manifests.items(), description="verify", unit="directory"):
        if manifest.get("kind") == artifact.DATASET:
            _verify_dataset(found, path, manifest, replay, threads)
        else:
            _verify_artifact(found, path, manifest, known)
        if whole:
            found.faults += _strangers(path, manifest, known)
    for path in runs:
        _verify_run(found, path)
    for path in rows:
        found.check(lambda path=path: read_measured(path, path.parent.name))
    counts = f"{len(manifests)} artifacts and datasets, {len(runs)} runs, {len(rows)} files of rows"
    found.right = [f"{counts}: all as they were written{', and made from each other' if whole else ''}"]
    return found


def _names(path: Path, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the checksums by which others refer to an artifact or dataset: of its content, and of its manifest."""
    return content_digest(dict(manifest)), sha256(path / MANIFEST)


def _strangers(path: Path, manifest: Mapping[str, Any], known: Mapping[str, Path]) -> Iterator[str]:
    """Says which inputs of an artifact are not what the run holds."""
    inputs = dict(manifest.get("inputs", {}))
    inputs |= {"agent": manifest["agent"]} if isinstance(manifest.get("agent"), str) else {}
    sources = manifest.get("sources", [])
    inputs |= {f"source {source.get('name')}": source.get("sha256") for source in sources if isinstance(source, dict)}
    for role, digest in inputs.items():
        if digest not in known:
            yield f"{path} was made from another {role} than the run holds; make it again, or bring back that input"


def _verify_dataset(found: Verification, path: Path, manifest: dict[str, Any], replay: bool, threads: int) -> None:
    if replay:
        faults, _ = verify_dataset(path, FRAMES, threads)
        found.faults += [fault if str(path) in fault else f"{path}: {fault}" for fault in faults]
        return
    faults: list[str] = []
    found.check(lambda: faults.extend(file_faults(path, manifest)))
    found.faults += [f"{path}: {fault}" for fault in faults]
    if not faults:
        found.check(lambda: Dataset(path))


def _verify_artifact(found: Verification, path: Path, manifest: dict[str, Any], known: Mapping[str, Path]) -> None:
    """Checks the files of an artifact, and whether they can be read as what it is."""
    damaged = [fault for name, digest in manifest.get("files", {}).items() if (fault := _fault(path, name, digest))]
    found.faults += damaged
    if damaged:
        return
    kind, inputs = manifest["kind"], manifest.get("inputs", {})
    if kind == "policy":
        found.check(lambda: Policy.from_pretrained(path))
    elif kind == "reward_model":
        found.check(lambda: RewardModel.from_pretrained(path))
    elif kind == "preferences" and (rollouts := known.get(inputs.get("rollouts", ""))):
        found.check(lambda: _check_comparisons(path, Dataset(rollouts)))
    elif kind == "evaluation":
        found.check(lambda: load_outcome(path))
        found.check(lambda: artifact.read_arrays(path / PATHS, {"xy": ("f", 2), "lengths": ("iu", 1)}))
    if METRICS in manifest.get("files", {}):
        found.check(lambda: read_metrics(path))


def _check_comparisons(path: Path, dataset: Dataset) -> None:
    for part in ("train", "held_out"):
        load_comparisons(path, part, dataset)


def _fault(directory: Path, name: str, digest: str) -> str | None:
    """Says what is wrong with a file of an artifact."""
    path = directory / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return f"{directory / MANIFEST} names a file outside of its directory ({name[:80]!r}); {REMEDY}"
    if not path.exists():
        return f"{path} is missing; {REMEDY}"
    if not path.is_file():
        return f"{path} is not a file; {REMEDY}"
    return None if sha256(path) == digest else f"{path} is damaged (its checksum differs from {MANIFEST}); {REMEDY}"


def _verify_run(found: Verification, run: Path) -> None:
    """Checks what a run has beside its artifacts: what it was begun with, its results, videos and page."""
    found.check(lambda: read_run(run))
    path = run / RESULTS
    if not path.exists():
        return
    results: dict[str, Any] = {}

    def read() -> None:
        remedy = "run the pipeline again"
        if not {"format", CHECKSUM} & read_json(path, remedy).keys():
            raise ValueError(f"{path} has no checksum, an earlier version wrote it; {remedy}")
        results.update(read_sealed(path, remedy))

    found.check(read)
    for name, digest in results.get("files", {}).items():
        if fault := _fault(run, name, digest):
            found.faults.append(fault)
    found.check(lambda: check_page(page_of(run)))


def print_verification(
    run: Annotated[Path, tyro.conf.Positional], replay: bool = False, threads: int | None = None
) -> int:
    """Check that a run is what was written: checksums of all files, manifests that fit each other, types and shapes.

    Exit code 0: all is right; 1: faults, each on a line; 2: there is nothing to verify.

    Args:
        run: Directory of a run, of experiments, or of a single artifact or dataset.
        replay: Also play all episodes of datasets again, bit for bit, and render some of their frames again.
        threads: Number of threads that replay and render; one per core by default.
    """
    found = verify(run, replay, threads or count_cores())
    for line in found.faults or found.right:
        print(line)
    if found.faults:
        print(f"{len(found.faults)} faults in {run}")
    return 1 if found.faults else 0
