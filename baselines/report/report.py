"""Writes the report of a run: one HTML page with every figure, table and video, which needs no network or other file.

python -m baselines.report runs/quick
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from agents.figures.page import render
from agents.figures.style import STYLE
from agents.progress import Progress
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
    """Directory of the run; the page is written to report/index.html in it and replaces an older one."""
    figures: bool = False
    """Also write the main figures as PNG files for a README, into report/figures."""


def write_report(run: Path | str) -> Path:
    """Writes the report of a run, whole or not at all.

    Returns:
        Its path.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: a file of the run is damaged.
        OSError: the page cannot be written.
    """
    loaded = load_run(run)
    path = page_of(run)
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
    with explain_full_disk(path.parent):
        write_atomically(path, content.encode())
    return path


def page_of(run: Path | str) -> Path:
    """Returns where the page of a run is."""
    return Path(run) / "report" / "index.html"


def write_figures(run: Path | str) -> list[Path]:
    """Writes the main figures of a run as PNG files on white, into `report/figures`.

    Returns:
        Their paths.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: a file of the run is damaged.
        OSError: a figure cannot be written.
    """
    loaded = load_run(run)
    directory = Path(run) / "report" / "figures"
    figures = {"procedure": procedure(loaded), "alignment": alignment_curves(loaded)}
    figures |= {"reward_accuracy": reward_accuracy(loaded)}
    figures |= {f"outcomes_{stage.name}": outcome_bars(stage) for stage in loaded.stages if stage.outcome}
    paths = []
    with explain_full_disk(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for name, figure in figures.items():
            paths.append(directory / f"{name}.png")
            figure.savefig(paths[-1], dpi=STYLE["savefig.dpi"], facecolor="white")
    return paths


def main(arguments: Any = None) -> None:
    """Runs the command line."""
    with command_line():
        config = tyro.cli(ReportConfig, prog="python -m baselines.report", args=arguments, description=__doc__)
        path = write_report(config.run)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
        if config.figures:
            print(f"{write_figures(config.run)[0].parent}: pictures")


if __name__ == "__main__":
    main()
