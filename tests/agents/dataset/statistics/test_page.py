"""The statistics page: its numbers are the dataset's, it needs nothing but itself, and no string breaks out of it."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.statistics.contact_sheet import MOMENTS
from agents.dataset.statistics.page import write_page
from agents.motion import statistics
from agents.outcomes import NAMES, wilson_interval
from agents.population.modes import GOALS
from jumppad_env.dataset import Trajectory
from jumppad_env.files import seal, sha256

pytestmark = pytest.mark.slow

EPISODES = 60
VOID = {"meta", "link", "br", "img", "input", "hr"}
SVG = {"path", "use", "image", "rect", "text", "g", "defs", "clippath", "style", "svg", "tspan", "circle"}
PAGE = {
    "html", "head", "meta", "link", "title", "style", "body", "main", "script", "header", "footer", "section", "figure",
    "figcaption", "div", "span", "p", "b", "small", "h1", "h2", "h3", "img", "table", "thead", "tbody", "tr", "th",
    "td", "dl", "dt", "dd", "ul", "li", "pre", "code", "details", "summary",
}  # fmt: skip
EVIL = "</title></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>$\\frac$"


class Page(HTMLParser):
    """Collects tags, attributes, tables and text, and checks that the tags match."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags, self.attributes, self.open, self.text = set(), [], [], []
        self.rows: list[list[str]] = []
        self.sections: dict[str, str] = {}
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self._section = dict(attrs)["id"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if self.open and self.open[-1] in ("style", "script"):
            return
        data = re.sub(r"\s+", " ", data)
        self.text.append(data)
        if "section" in self.open and self._section:
            self.sections[self._section] = self.sections.get(self._section, "") + data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def row(self, *begins: str) -> list[str]:
        """The only row of a table that begins with these cells."""
        (found,) = [row for row in self.rows if row[: len(begins)] == list(begins)]
        return found

    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text))


@pytest.fixture(scope="module")
def directory(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "people"
    collect(CollectConfig(episodes=EPISODES, image_size=None, seed=1), path)
    return path


@pytest.fixture(scope="module")
def page(directory) -> Page:
    out = directory.parent / "page.html"
    write_page(Dataset(directory), out)
    assert out.stat().st_size < 3e6
    return Page(out)


def trajectories(directory: Path) -> list[Trajectory]:
    dataset = Dataset(directory)
    return [dataset.trajectory(index) for index in range(len(dataset))]


def interval(count: int, total: int) -> str:
    low, high = wilson_interval(count, total)
    return f"{100 * count / total:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"


def test_the_table_counts_modes_and_outcomes(page, directory):
    played = trajectories(directory)
    for mode in {trajectory.mode for trajectory in played}:
        own = [trajectory for trajectory in played if trajectory.mode == mode]
        shares = [interval(sum(t.pad == pad for t in own), len(own)) for pad in range(-1, len(NAMES) - 1)]
        seconds = f"{sum(len(t) for t in own) / len(own) / 10:.1f} s"
        assert page.row(mode, str(len(own))) == [mode, str(len(own)), *shares, seconds]
        assert page.row(mode, f"{100 * len(own) / EPISODES:.1f}%", "")
    shares = [interval(sum(t.pad == pad for t in played), EPISODES) for pad in range(-1, len(NAMES) - 1)]
    assert page.row("all")[1:-1] == [str(EPISODES), *shares]


def test_motion_is_that_of_the_command(page, directory):
    for name, value in statistics(trajectories(directory)).items():
        if name != "episodes" and not name.endswith("reached, %"):
            assert page.row(name)[1] == ("-" if np.isnan(value) else f"{value:.3g}"), name


def test_the_card_tells_how_to_make_the_same_again(page, directory, tmp_path):
    (command,) = re.findall(r"python -m agents\.collect [^;]*", page.sections["card"])
    words = command.split()
    again = tmp_path / "again"
    collected = subprocess.run([sys.executable, *words[1:3], str(again), *words[4:]], capture_output=True, text=True)
    assert collected.returncode == 0, collected.stderr
    for name in ("actions.npy", "states.npy", "episodes.npy"):
        assert (again / name).read_bytes() == (directory / name).read_bytes()


def test_the_card_compares_the_population_with_what_was_played(page, directory):
    modes = [trajectory.mode for trajectory in trajectories(directory)]
    sided = sum(mode in ("direct_left", "direct_right") for mode in modes)
    assert page.row("direct_side") == ["direct_side", "14.0%", interval(sided, EPISODES), str(sided)]
    lost = modes.count("lose_way")
    assert ["lose_way", "5.0%", interval(lost, EPISODES), str(lost)] in page.rows


def test_the_card_knows_license_biases_and_every_file(page, directory):
    card = page.sections["card"]
    for words in (
        "MIT",
        "Nobody played this",
        "calibrated, not observed",
        "Nobody uses right_y, Y",
        "agents.dataset verify",
    ):
        assert words in card, words
    for name, digest in Dataset(directory).manifest["files"].items():
        assert page.row(name)[2] == digest


def test_the_page_needs_nothing_but_itself(page, directory):
    addresses = [value for name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset")]
    assert addresses and all(address.startswith(("data:", "#")) for address in addresses)
    html = (directory.parent / "page.html").read_text()
    assert not re.findall(r"url\((?!#)|@import|<script[^>]+src", html)
    assert set(re.findall(r"https?://[^/\s\"'<>]+", html)) <= {"http://www.w3.org"}
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_frames_are_shown_as_stored_or_drawn(page, tmp_path):
    modes = [row for row in page.rows if len(row) == 7 and row[0] not in ("mode", "all")]
    pictures = [v for name, v in page.attributes if name == "src"]
    assert len(pictures) == MOMENTS * len(modes) and "rendered from the states" in page.sections["sheet"]
    collect(CollectConfig(episodes=3, population="direct_left", image_size=(16, 24)), tmp_path / "d")
    write_page(Dataset(tmp_path / "d"), tmp_path / "p.html")
    stored = Page(tmp_path / "p.html")
    assert "as stored" in stored.sections["sheet"] and "16x24 pixels" in stored.words()
    assert len([v for name, v in stored.attributes if name == "src"]) == MOMENTS


def rewritten(directory: Path, out: Path, modes: list[str] | None = None, **changes) -> Dataset:
    """A copy of a dataset with other modes and another manifest."""
    played = trajectories(directory)
    if modes is not None:
        played = [Trajectory(**{**vars(t), "mode": mode}) for t, mode in zip(played, modes, strict=False)]
    write_dataset(out, played, seed=0, description={"goals": GOALS})
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(seal({**manifest, **changes}))
    return Dataset(out)


@pytest.fixture(scope="module")
def hostile(directory, tmp_path_factory) -> Page:
    """The page of a dataset in which every string that a stranger chooses means harm."""
    folder = tmp_path_factory.mktemp("hostile")
    dataset = rewritten(
        directory,
        folder / EVIL.replace("/", "|"),
        ["<script>alert(1)", '"><img onerror=x>', "$\\frac$", "<td>x</td>"] * 5,
        population=EVIL + "\ud800",
        seed=EVIL,
        license=EVIL,
        renderer=EVIL,
        goals=[EVIL] * 3,
        made_by=EVIL,
        shares={EVIL: EVIL, "wander": [EVIL], "idle": -1e300},
        environment={"id": EVIL, EVIL: EVIL, "variety": "none"},
        versions={EVIL: EVIL},
        sources=[{"name": EVIL}, EVIL],
        more=EVIL * 10_000,
    )
    write_page(dataset, folder / "page.html")
    assert (folder / "page.html").stat().st_size < 3e6
    return Page(folder / "page.html")


def test_no_string_of_a_stranger_breaks_out(hostile):
    assert hostile.tags <= PAGE | SVG, hostile.tags - PAGE - SVG
    names = {name for name, _ in hostile.attributes}
    assert not {name for name in names if name.startswith("on")}
    addresses = [value for name, value in hostile.attributes if name in ("src", "href", "xlink:href")]
    assert all(address.startswith(("data:image/png;base64,", "data:,", "#")) for address in addresses)
    assert "alert(1)" in hostile.words()  # it is shown, as text
    assert hostile.row("<td>x</td>", "5") and hostile.row("<script>alert(1)", "5")


def test_people_are_told_where_they_are_known(directory, page, tmp_path):
    played = trajectories(directory)
    each = np.unique([trajectory.person for trajectory in played], return_counts=True)[1]
    told = f"{len(each)} people played {EPISODES} episodes, from {each.min()} to {each.max()} each"
    assert told in page.sections["people"] and "person and skill, goal of each step" in page.sections["card"]
    goals = np.concatenate([trajectory.goals for trajectory in played if trajectory.goals is not None])
    assert page.row("wait")[1] == f"{100 * np.mean(goals == GOALS.index('wait')):.1f}%"

    nobody = {"person": -1, "skill": float("nan"), "goals": None}
    some = [Trajectory(**{**vars(t), **(nobody if index < 9 else {"goals": None})}) for index, t in enumerate(played)]
    for name, kept in (("some", some), ("none", some[:9])):
        write_dataset(tmp_path / name, kept, seed=0, description={"goals": GOALS})
        write_page(Dataset(tmp_path / name), tmp_path / f"{name}.html")
    assert f"people played {EPISODES - 9} episodes" in Page(tmp_path / "some.html").sections["people"]
    assert "people" not in Page(tmp_path / "none.html").sections


def test_wrong_use_ends_in_one_line(directory, tmp_path):
    for arguments, message in (([str(tmp_path / "none")], "no dataset"), ([str(directory)], "name the file")):
        command = [sys.executable, "-m", "agents.dataset", "stats", *arguments, "--out", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert message in done.stderr.splitlines()[-1]


def test_states_that_nobody_could_have_seen_are_refused(directory, tmp_path):
    shutil.copytree(directory, tmp_path / "d")
    path = tmp_path / "d" / "states.npy"
    np.load(path, mmap_mode="r+")[0, 0] = np.nan
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    manifest["files"][path.name] = sha256(path)
    (tmp_path / "d" / "manifest.json").write_text(seal(manifest))
    with pytest.raises(ValueError, match="x nan, expected a finite number"):
        write_page(Dataset(tmp_path / "d"), tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()
