"""Writes the statistics page of a dataset: one HTML file that needs no network and no other file.

python -m agents.dataset stats runs/demonstrations --out page.html
"""

from __future__ import annotations

from pathlib import Path

from agents.dataset.statistics.card import card, shown
from agents.dataset.statistics.counts import count_dataset
from agents.dataset.statistics.sections import SECTIONS, Subject
from agents.figures.page import render
from agents.figures.palette import mode_color
from agents.progress import Progress
from jumppad_env import __version__
from jumppad_env.dataset import Dataset
from jumppad_env.files import explain_full_disk, write_atomically


def write_page(dataset: Dataset, path: Path | str) -> None:
    """Writes the statistics page of a dataset, whole or not at all.

    Counts cover every episode. Only the paths on the maps and the motion statistics are computed from a sample of
    evenly spaced episodes; the page states its size.

    Raises:
        ValueError: damaged states or actions, a look that cannot be drawn, or the path of a directory.
        OSError: the page cannot be written.
    """
    path = Path(path)
    if path.is_dir():  # before the work, not after it
        raise ValueError(f"{path} is a directory; name the file to write, such as {path / 'page.html'}")
    subject = Subject(dataset, count_dataset(dataset))
    progress = Progress(SECTIONS, description="statistics", unit="section")
    sections = {section.__name__: section(subject) for section in progress}
    name = dataset.directory.resolve().name
    content = render(
        Path(__file__).parent,
        "statistics.html",
        title=f"{name}: jumppad dataset",
        name=shown(name),
        version=__version__,
        mode_color=mode_color,
        dataset=dataset,
        counts=subject.counts,
        card=card(dataset, subject.counts),
        **sections,
    )
    with explain_full_disk(path.parent):
        write_atomically(path, content.encode(errors="replace"))  # JSON strings may hold lone surrogates
