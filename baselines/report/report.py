"""Writes the report of a run: one HTML page with every figure, table and video, which needs no network or other file.

python -m baselines.report runs/quick
python -m baselines.report runs/quick --out quick.html  # elsewhere, as of a run that cannot be written to
"""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from agents.figures.page import render
from agents.figures.style import STYLE
from agents.progress import Progress
from baselines.report.checksum import add_checksum
from baselines.report.figures import alignment_curves, outcome_bars, reward_accuracy
from baselines.report.heat_map import procedure
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import CITATION, paper_shares
from baselines.report.run_directory import load_run
from baselines.report.sections import SECTIONS
from jumppad_env.command_line import command_line
from jumppad_env.files import explain_full_disk, write_atomically


@dataclass(frozen=True)
class ReportConfig:
    """The run to report."""

    run: tyro.conf.Positional[Path]
    """Directory of the run."""
    out: Path | None = None
    """The page; an older one is replaced. By default report/index.html in the run."""
    figures: bool = False
    """Also write the main figures as PNG files for a README, into a folder figures beside the page."""


def write_report(run: Path | str, out: Path | None = None) -> Path:
    """Writes the report of a run, whole or not at all; its last line is a checksum, see `baselines.report.checksum`.

    Args:
        run: directory of the run.
        out: the page, by default `report/index.html` in the run.

    Returns:
        Its path.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: a file of the run is damaged, or the page's name has another ending or is taken.
        OSError: the page cannot be written.
    """
    loaded = load_run(run)
    path = out or page_of(run)
    if path.suffix.lower() != ".html":
        raise ValueError(f"{path} must end in .html")
    if os.path.lexists(path) and not path.is_file():
        raise ValueError(f"{path} is not a file; choose another place with --out FILE")
    progress = Progress(SECTIONS, description="report", unit="section")
    sections = {section.__name__: section(loaded) for section in progress}
    name = loaded.directory.resolve().name
    content = render(
        Path(__file__).parent,
        "report.html",
        title=f"jumppad: {name}",
        name=name,
        run=loaded,
        citation=CITATION,
        stage_colors=STAGE_COLORS,
        paper_shares=paper_shares,
        **sections,
    )
    with _explained(path):
        write_atomically(path, add_checksum(content.encode(errors="backslashreplace")))  # names may be no Unicode
    return path


def page_of(run: Path | str) -> Path:
    """Returns where the page of a run is."""
    return Path(run) / "report" / "index.html"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Says what to do where a page cannot be written."""
    with explain_full_disk(path.parent):
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise
            said = f"{path} cannot be written ({error.strerror}); choose another place with --out FILE"
            raise OSError(error.errno, said) from None


def write_figures(run: Path | str, out: Path | None = None) -> list[Path]:
    """Writes the main figures of a run as PNG files on white, into a folder `figures` beside its page.

    Args:
        run: directory of the run.
        out: the page, by default `report/index.html` in the run.

    Returns:
        Their paths.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: a file of the run is damaged.
        OSError: a figure cannot be written.
    """
    loaded = load_run(run)
    directory = (out or page_of(run)).parent / "figures"
    figures = {"procedure": procedure(loaded), "alignment": alignment_curves(loaded)}
    figures |= {"reward_accuracy": reward_accuracy(loaded)}
    figures |= {f"outcomes_{stage.name}": outcome_bars(stage) for stage in loaded.stages if stage.outcome}
    paths = []
    with _explained(directory):
        for name, figure in figures.items():
            picture = io.BytesIO()
            figure.savefig(picture, format="png", dpi=STYLE["savefig.dpi"], facecolor="white")
            paths.append(directory / f"{name}.png")
            write_atomically(paths[-1], picture.getvalue())
    return paths


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        config = tyro.cli(ReportConfig, prog="python -m baselines.report", args=arguments, description=__doc__)
        path = write_report(config.run, config.out)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
        if config.figures:
            print(f"{write_figures(config.run, config.out)[0].parent}: pictures")


if __name__ == "__main__":
    main()
