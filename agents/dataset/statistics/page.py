"""One HTML page that says what a dataset holds; it needs no network and no other file.

python -m agents.dataset stats runs/demonstrations --out page.html
"""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from agents.dataset.statistics.counts import count_dataset
from agents.dataset.statistics.sections import SECTIONS, Subject
from agents.figures.page import page
from jumppad_env import __version__
from jumppad_env.dataset import Dataset
from jumppad_env.files import explain_full_disk, write_atomically


def write_page(dataset: Dataset, path: Path | str) -> None:
    """Writes the statistics page of a dataset, whole or not at all.

    Everything is counted but the paths on the maps and the motion, which are of episodes evenly spread over the
    dataset; the page says of how many.

    Raises:
        ValueError: damaged states or actions, a look that cannot be drawn, or the path of a directory.
        OSError: the page cannot be written.
    """
    path = Path(path)
    if path.is_dir():  # before the work, not after it
        raise ValueError(f"{path} is a directory; name the file that the page becomes, such as {path / 'page.html'}")
    subject = Subject(dataset, count_dataset(dataset))
    parts = [make(subject) for make in tqdm(SECTIONS, desc="statistics", unit="section", dynamic_ncols=True)]
    footer = f"<footer>Made by jumppad {__version__} from the dataset alone.</footer>"
    with explain_full_disk(path.parent):
        content = page(f"{dataset.directory.resolve().name}: dataset of jumppad", "\n".join([*parts, footer]))
        write_atomically(path, content.encode(errors="replace"))  # JSON may hold what is no text
