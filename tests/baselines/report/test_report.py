import errno
import hashlib
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from agents.figures.video import write_mp4
from agents.population import POPULATIONS
from agents.population.demonstrator import Crowd
from agents.rollout import make_envs, rollout
from baselines import artifact
from baselines.evaluate import save_evaluation
from baselines.report import report
from baselines.report.checksum import check_page
from baselines.report.run_directory import load_run
from baselines.training.loop import METRICS
from jumppad_env.files import seal

VOID = {"meta", "link", "br", "img", "input", "hr"}
STAGES = {
    "demonstrations": "human",
    "base": "human",
    "finetuned": "curated",
    "left_preference_finetuned": "curated",
    "left_aligned": "direct_left",
    "right_preference_finetuned": "direct_middle",
    "right_aligned": "direct_right",
}
TITLES = (
    "Demonstrations",
    "Base",
    "Fine-tuned",
    "Preference fine-tuned left",
    "Aligned left",
    "Preference fine-tuned right",
    "Aligned right",
)


class Page(HTMLParser):
    """Collects what a page refers to, its ids and its text, and checks that its tags match."""

    def __init__(self, content):
        super().__init__()
        self.references, self.ids, self.text, self.open, self.tags = [], [], [], [], []
        self.feed(content)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self._attributes(attrs)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self._attributes(attrs)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        self.text.append(data)

    def _attributes(self, attrs):
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "action", "poster", "srcset"):
                self.references.append(value)
            elif name == "id":
                self.ids.append(value)


def read(path):
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run as the pipeline leaves it, with demonstrators in place of agents."""
    run = tmp_path_factory.mktemp("runs") / "quick"
    outcomes = {}
    for name, population in STAGES.items():
        directory = run / "evaluations" / name
        directory.mkdir(parents=True)
        envs = make_envs(12, None)
        played = list(rollout(envs, Crowd(POPULATIONS[population], 12), range(12)))
        envs.close()
        outcomes[name] = save_evaluation(played, directory)
    lines = [{"update": u, "loss": 2 / (u + 1), "learning_rate": 1e-3, "gradient_norm": 1.0} for u in range(30)]
    scores = [{**line, "accuracy": 0.9, "margin": 1.0} for line in lines]
    aligned = [
        {**line, "success": line["update"] / 30, "episodes": 8 * line["update"] + 8, "reward": 0.0, "entropy": 5.0}
        for line in lines
    ]
    written = {"base": lines, "finetuned": lines}
    for target in ("left", "right"):
        written |= {f"{target}/reward_model": scores, f"{target}/preference_finetuned": lines}
        written |= {f"{target}/aligned": aligned}
    for name, metrics in written.items():
        with artifact.begin(run / name, kind="policy", config={"width": 16, "text": "<b>&"}, seed=0) as work:
            work.metrics["loss"] = 0.1
            (work.directory / METRICS).write_text("".join(json.dumps(line) + "\n" for line in metrics))
    write_mp4(run / "videos" / "base.mp4", [np.full((16, 16, 3), i, dtype=np.uint8) for i in range(3)])
    by_target = {
        kind: {target: outcomes[f"{target}_{kind}"] for target in ("left", "right")}
        for kind in ("preference_finetuned", "aligned")
    }
    results = {
        "preset": "quick",
        "targets": ["left", "right"],
        "seed": 0,
        "outcomes": {name: outcomes[name] for name in ("demonstrations", "base", "finetuned")} | by_target,
        "reward_model": {
            "left": {"accuracy": 0.97, "comparisons": 500},
            "right": {"accuracy": 0.95, "comparisons": 500},
        },
        "seconds": {"base": 300.0, "left/aligned": 61.0, "total": 361.0},
    }
    (run / "results.json").write_text(json.dumps(results))
    return run


@pytest.fixture(scope="module")
def content(finished):
    return read(report.write_report(finished))


def test_the_page_needs_nothing_but_itself(content, finished):
    assert content.references
    assert all(reference.startswith(("data:", "#")) for reference in content.references)
    html = (finished / "report" / "index.html").read_text()
    assert not re.findall(r"url\((?!#)|@import|<script[^>]+src", html)
    addresses = {found for found in re.findall(r"https?://[^\s\"'<>)]+", html)}
    assert all(address.startswith("http://www.w3.org/") for address in addresses), addresses


def test_ids_are_unique_and_all_figures_there(content):
    assert len(content.ids) == len(set(content.ids))
    assert content.tags.count("svg") >= 1 + len(STAGES) + 2 + 2 + 5
    assert content.tags.count("video") == 1


def test_every_stage_and_number_is_told(content, finished):
    text = " ".join(content.text)
    assert all(title in text for title in TITLES)
    aligned = json.loads((finished / "results.json").read_text())["outcomes"]["aligned"]["left"]["left"]
    assert f"{100 * aligned:.1f}%" in text and "98.7%" in text and "96.0%" in text and "6.0 min" in text
    assert "python -m baselines.pipeline quick --out runs/quick --targets left right --seed 0" in text
    assert "<b>&" in text  # of the configuration: escaped, not obeyed


def test_light_and_dark_and_phones_are_thought_of(finished, content):
    html = (finished / "report" / "index.html").read_text()
    assert "prefers-color-scheme: dark" in html and "width=device-width" in html and "prefers-reduced-motion" in html


def test_what_is_missing_is_left_out_and_said(finished, tmp_path):
    run = tmp_path / "part"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report", "right", "videos", "left_aligned", "base"))
    results = json.loads((run / "results.json").read_text())
    results["outcomes"] = {"aligned": {}}
    results["reward_model"] = {}
    (run / "results.json").write_text(json.dumps(results))
    text = " ".join(read(report.write_report(run)).text)
    assert re.search(r"Not in this run: Base, Aligned left\.", text)
    assert "reward-model accuracy" in text and "configuration of Aligned right" in text


def test_a_run_of_nothing_but_results_is_reported(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"targets": ["middle"]}))
    page = read(report.write_report(tmp_path))
    assert "Aligned middle" in " ".join(page.text)


EVIL = "</title><script>alert(1)</script>"


def test_hostile_text_is_escaped(finished, tmp_path):
    run = tmp_path / EVIL.replace("/", "|")
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    results = json.loads((run / "results.json").read_text())
    (run / "results.json").write_text(json.dumps({**results, "preset": EVIL, "seconds": {EVIL: 1.0, "total": 1.0}}))
    manifest = json.loads((run / "base" / "manifest.json").read_text())
    manifest |= {"config": {EVIL: EVIL}, "versions": {EVIL: EVIL}}
    manifest.pop("sha256")
    (run / "base" / "manifest.json").write_text(seal(manifest))
    page = read(report.write_report(run))
    text = "".join(page.text)
    assert page.tags.count("script") == 1  # the page's own
    # Title, kicker, command (twice), preset in a tile, time, configuration (twice), versions (twice).
    assert text.count("<script>alert(1)<") == 10


def with_left(**entries):
    """Returns a `results.json` with some entries."""
    return json.dumps({"targets": ["left"], **entries})


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("results.json", '{"preset": "quick", "targ', "results.json is damaged"),
        ("results.json", "[]", "results.json is damaged"),
        ("results.json", "[" * 100_000, "results.json is damaged"),
        ("results.json", '{"targets": ["up"]}', "(targets must be names of targets, each once)"),
        ("results.json", '{"targets": [["left"]]}', "(targets[0] is a list, not a text)"),
        ("results.json", '{"targets": []}', "(targets must be names of targets, each once)"),
        ("results.json", '{"targets": ["left", "left"]}', "(targets must be names of targets, each once)"),
        ("results.json", with_left(seed=None), "(seed is null, not an integer)"),
        ("results.json", with_left(preset=5), "(preset is 5, not a text)"),
        ("results.json", with_left(seconds=3), "(seconds is 3, not an object)"),
        ("results.json", with_left(seconds={"base": None}), "(seconds.base is null, not a number)"),
        ("results.json", with_left(reward_model={"left": 5}), "(reward_model.left is 5, not an object)"),
        (
            "results.json",
            with_left(reward_model={"left": {"accuracy": "high"}}),
            "(reward_model.left.accuracy is 'high'",
        ),
        ("results.json", with_left(reward_model={"left": {"comparisons": -1}}), "(reward_model.left.comparisons is -1"),
        ("results.json", with_left(outcomes={"base": {"left": 1}}), "(outcomes.base.ci95 is missing)"),
        ("results.json", with_left(outcomes={"aligned": {"left": 1}}), "(outcomes.aligned.left is 1, not an object)"),
        ("evaluations/base/outcomes.json", '{"episodes": 3, "none": 2}', "outcomes.json is damaged (ci95 is missing)"),
        ("evaluations/base/paths.npz", "PK", "paths.npz is damaged"),
        ("base/metrics.jsonl", "{", "metrics.jsonl is damaged in line 1 (no JSON)"),
        ("left/aligned/metrics.jsonl", "5", "metrics.jsonl is damaged in line 1 (it is 5, not an object)"),
        ("left/reward_model/metrics.jsonl", '{"update": 1}', "(update is 1, not 0)"),
        ("base/manifest.json", '{"kind": "policy", "format": 1, "metrics": 5}', "(metrics is 5, not an object)"),
        ("base/manifest.json", '{"kind": "policy", "format": 1, "versions": [1]}', "(versions is a list, not an obj"),
        ("base/manifest.json", '{"kind": "policy", "format": 2, "seed": 0}', "manifest.json was changed after it was"),
        ("left/reward_model/manifest.json", "[" * 100_000, "manifest.json is damaged"),
        ("videos/base.mp4", "<script>", "videos/base.mp4 is no mp4 video; delete it"),
    ],
)
def test_damage_is_one_clear_error(name, damage, said, finished, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    (run / name).write_text(damage)
    with pytest.raises(SystemExit) as stopped:
        report.main([str(run)])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.count("\n") == 1 and str(run / name) in error and said in error
    assert not (run / "report").exists()


READ = (
    "results.json",
    "evaluations/base/outcomes.json",
    "evaluations/base/paths.npz",
    "base/manifest.json",
    "base/metrics.jsonl",
    "left/reward_model/manifest.json",
    "left/reward_model/metrics.jsonl",
    "videos/base.mp4",
)


@pytest.mark.parametrize("name", READ)
def test_what_is_no_file_is_never_taken_for_missing(name, finished, tmp_path):
    def pipe(path):
        os.mkfifo(path)

    def loop(path):
        path.symlink_to(path)

    def device(path):
        path.symlink_to("/dev/zero")

    for make in (Path.mkdir, pipe, loop, device):
        run = tmp_path / make.__name__
        shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
        (run / name).unlink()
        make(run / name)
        with pytest.raises(ValueError, match=rf"{name} (is not a file|is a link out of the run)"):
            load_run(run)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lengths": np.array([4, -1, 3])}, "lengths do not add up to the 6 steps"),
        ({"lengths": np.array([1, 2, 4])}, "lengths do not add up to the 6 steps"),
        ({"lengths": np.array([2**62, 2**62, 2**62, 2**62, 6])}, "xy is [6, 2], lengths [5], pads [3]"),
        ({"lengths": np.array([2**63 - 1, 2**63 - 1, 8])}, "lengths do not add up to the 6 steps"),
        ({"lengths": np.array([1.0, 2.0, 3.0])}, "lengths is float64"),
        ({"xy": np.zeros((6, 3), np.float32)}, "xy is [6, 3]"),
        ({"xy": np.full((6, 2), np.nan, np.float32)}, "xy has numbers that are not finite"),
        ({"pads": np.array([0, 1])}, "xy is [6, 2], lengths [3], pads [2]"),
        ({"pads": np.array([0, 1, 3])}, "pads are not all -1 to 2"),
    ],
)
def test_paths_that_do_not_fit_together_are_refused(changes, said, finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    good = {"xy": np.zeros((6, 2), np.float32), "lengths": np.array([1, 2, 3]), "pads": np.array([-1, 0, 2])}
    np.savez(run / "evaluations" / "base" / "paths.npz", **{**good, **changes})
    with pytest.raises(ValueError, match=rf"paths\.npz is damaged \({re.escape(said)}.*\); delete .*base and run"):
        load_run(run)


def test_nothing_from_elsewhere_is_embedded(finished, tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"    ftyp and what nobody may see")
    for what in ("video", "folder"):
        run = tmp_path / what
        shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report", "videos"))
        if what == "video":
            (run / "videos").mkdir()
            (run / "videos" / "base.mp4").symlink_to(secret)
        else:
            secret.rename(tmp_path / "base.mp4")
            (run / "videos").symlink_to(tmp_path)
        with pytest.raises(ValueError, match=r"base\.mp4 is a link out of the run, or lies behind one; delete it"):
            report.write_report(run)


def test_a_page_that_was_changed_can_be_told(finished, content, tmp_path):
    written = (finished / "report" / "index.html").read_bytes()
    path = tmp_path / "page.html"
    path.write_bytes(written)
    check_page(path)
    above, _, last = written[:-1].rpartition(b"\n")
    assert hashlib.sha256(above + b"\n").hexdigest().encode() in last
    for changed in (
        written.replace(b"98.7%", b"99.7%"),
        written + b"more",
        b" " + written,
        above + b"\n\n" + last + b"\n",
    ):
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=r"page\.html (was changed|has no checksum)"):
            check_page(path)
    path.write_bytes(above)
    with pytest.raises(ValueError, match="has no checksum; write it again"):
        check_page(path)


def test_the_report_of_a_run_that_cannot_be_written_to_is_written_elsewhere(finished, tmp_path, monkeypatch, capsys):
    run, page = tmp_path / "run", tmp_path / "elsewhere" / "page.html"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    write = report.write_atomically

    def write_outside(path, content):
        if run in path.parents:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)  # root may write to any directory
        write(path, content)

    monkeypatch.setattr(report, "write_atomically", write_outside)
    with pytest.raises(SystemExit):
        report.main([str(run)])
    said = f"error: {run / 'report' / 'index.html'} cannot be written (Read-only file system); choose another place"
    assert capsys.readouterr().err.strip().endswith(f"{said} with --out FILE")
    report.main([str(run), "--out", str(page)])
    check_page(page)
    assert not (run / "report").exists() and f"{page}: " in capsys.readouterr().out


def test_a_report_replaces_nothing_but_a_page(finished, tmp_path):
    (tmp_path / "folder.html").mkdir()
    for name, said in (("page.txt", "must end in .html"), ("folder.html", "is not a file; choose another place")):
        with pytest.raises(ValueError, match=said):
            report.write_report(finished, tmp_path / name)


def test_names_that_are_no_unicode_are_shown_all_the_same(tmp_path):
    (tmp_path / "results.json").write_text(with_left(preset="\ud800"))
    assert "\\ud800" in " ".join(read(report.write_report(tmp_path)).text)


def test_no_run_is_one_clear_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"results\.json is missing"):
        load_run(tmp_path)


def test_the_page_is_the_same_when_made_again(finished, content):
    before = (finished / "report" / "index.html").read_bytes()
    report.write_report(finished)
    assert (finished / "report" / "index.html").read_bytes() == before


@pytest.mark.slow
def test_figures_for_a_readme_are_written(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run, ignore=shutil.ignore_patterns("report"))
    names = {path.stem for path in report.write_figures(run)}
    assert {"procedure", "alignment", "reward_accuracy", "outcomes_base"} <= names
