"""Renders a dataset at another size or look, bit for bit as the live environment would have."""

from __future__ import annotations

from pathlib import Path

from agents.dataset.drawing import draw_frames
from agents.dataset.selection import link, source_of
from agents.workers import open_workers
from agents.worlds import world_of
from jumppad_env.dataset import Dataset
from jumppad_env.dataset.writing import Unfinished
from jumppad_env.drawing import RENDERER
from jumppad_env.rules import CHARACTERS


def rerender(
    directory: Path,
    out: Path,
    image_size: tuple[int, int],
    variety: str,
    character: str | None,
    threads: int,
    cluster: str | None = None,
) -> int:
    """Renders the frames of a dataset into a new one; resumable. The dataset itself needs no frames.

    All other files are hard-linked, or copied if that is not possible.

    Args:
        directory: directory of the dataset.
        out: must not exist.
        image_size: height and width of the new frames.
        variety: keyword of the environment.
        character: character to show in all episodes; None: the one that was played.
        threads: number of rendering threads.
        cluster: address of a Ray cluster that renders instead.

    Returns:
        The number of frames.

    Raises:
        ValueError: options are invalid, or the dataset is damaged.
        OSError: writing failed; what was rendered is kept, and the same call resumes.
    """
    dataset = Dataset(directory)
    if character is not None and character not in CHARACTERS:
        raise ValueError(f"character {character!r} is unknown; choose one of {', '.join(CHARACTERS)}")
    manifest = dataset.manifest
    options = world_of(manifest["environment"]).options(image_size=image_size, variety=variety)
    shown = {"observation": "pixels", "image_size": options.image_size, "variety": options.variety}
    kept = ("seed", "population", "shares", "episodes", "steps", "goals", "states")
    asked = {
        **{key: manifest[key] for key in kept if key in manifest},
        "rules": manifest.get("rules"),
        "made_by": "rerender",
        "environment": {**manifest["environment"], **shown},
        "renderer": RENDERER,
        **({} if character is None else {"drawn_as": character}),
        "sources": [source_of(dataset)],
    }
    with Unfinished(out, asked) as work:
        if work.manifest is not None:
            return manifest["steps"]
        drawn = ("frames.npy", "blocks.npy")
        digests = {name: digest for name, digest in manifest["files"].items() if name not in drawn}
        for name in digests:
            (work.path / name).unlink(missing_ok=True)
            link(directory / name, work.path / name)
        with open_workers(threads, cluster, jobs=1) as workers:
            digests["frames.npy"] = draw_frames(work.path, options, character, workers)
        work.finish({}, digests)
    return manifest["steps"]
