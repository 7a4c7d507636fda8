import csv
import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from baselines.laboratory import pages, results
from baselines.reproduce import __main__ as command
from baselines.reproduce import pages as redraw
from baselines.reproduce.alignment import realignment
from baselines.reproduce.experiments import EXPERIMENTS

PROVENANCE = {"commit": "0123456789ab", "device": "a processor", "cores": 2, "versions": {}, "date": "2026-01-01"}


def make_row(start, right):
    rest = (1 - right) / 3
    shares = {"none": rest, "left": rest, "middle": rest, "right": right}
    return {"start": start, "episodes": 500, **shares, "mean_seconds": 5.75, "curve": [0.25, 1 / 3, right]}


def write_rows(folder, seed, right=0.9):
    """Writes what the laboratory writes for one seed."""
    rows = [make_row("preference_finetuned", right), make_row("finetuned", right), make_row("aligned left", 0.5)]
    content = {"experiment": "realignment", "preset": "quick", "seed": seed, "seconds": 90.0}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed-{seed}.json"
    path.write_text(json.dumps({**content, "provenance": PROVENANCE, "rows": rows}))
    return path


@pytest.fixture
def result(tmp_path):
    return results.gather(realignment.EXPERIMENT, [write_rows(tmp_path / "rows", seed) for seed in (0, 3)])


def test_rows_of_all_seeds_are_gathered_with_their_seed(result):
    assert [(row["seed"], row["start"]) for row in result.rows] == [
        (seed, start) for seed in (0, 3) for start in ("preference_finetuned", "finetuned", "aligned left")
    ]
    assert [run["seed"] for run in result.content["runs"]] == [0, 3]
    assert result.content["preset"] == "quick" and result.content["runs"][0]["provenance"] == PROVENANCE


def test_what_is_written_is_read_again(result, tmp_path):
    results.write(result, tmp_path / "results")
    (read,) = results.load(tmp_path / "results", EXPERIMENTS)
    assert read.experiment is realignment.EXPERIMENT
    assert all(read.content[key] == value for key, value in result.content.items() if key != "rows")
    for found, row in zip(read.rows, result.rows, strict=True):
        assert found.keys() == row.keys()
        assert found["curve"] == pytest.approx(row["curve"], abs=1e-4)
        assert found["left"] == pytest.approx(row["left"], abs=1e-5) and found["start"] == row["start"]
    before = (tmp_path / "results" / "realignment.json").read_bytes()
    results.write(read, tmp_path / "results")
    assert (tmp_path / "results" / "realignment.json").read_bytes() == before


def test_published_rows_are_spread_to_seeds_and_gathered_again(result, tmp_path):
    files = lambda seed: tmp_path / "again" / f"seed-{seed}.json"  # noqa: E731
    files(3).parent.mkdir()
    files(3).write_text((tmp_path / "rows" / "seed-3.json").read_text().replace('"seconds": 90.0', '"seconds": 7.0'))
    results.spread(result, files)
    again = results.gather(realignment.EXPERIMENT, [files(0), files(3)])
    assert again.rows == result.rows
    assert [run["seconds"] for run in again.content["runs"]] == [90.0, 7.0], "what is there stays"
    assert again.content["runs"][0] == result.content["runs"][0]


def test_published_results_of_another_preset_are_refused(result, tmp_path, monkeypatch, capsys):
    results.write(result, tmp_path / "published")
    words = ["realignment", "--preset", "smoke", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["reproduce", *words, "--published", str(tmp_path / "published")])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 2 and "is of preset quick, not smoke" in capsys.readouterr().err


def test_the_table_holds_all_but_lists(result, tmp_path):
    results.write(result, tmp_path)
    with (tmp_path / "realignment.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.rows) and "curve" not in rows[0]
    assert [float(row["right"]) for row in rows] == [row["right"] for row in result.rows]


def test_a_flipped_bit_anywhere_is_named(result, tmp_path):
    results.write(result, tmp_path)
    path = tmp_path / "realignment.json"
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"realignment\.json"):
            results.load(tmp_path, EXPERIMENTS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-40],
        lambda text: text.replace('"realignment"', '"recovery"'),
        lambda text: json.dumps({**json.loads(text), "rows": []}),
        lambda text: json.dumps({key: value for key, value in json.loads(text).items() if key != "runs"}),
        lambda text: "[]",
    ],
    ids=["cut off", "of another experiment", "without rows", "without runs", "no object"],
)
def test_a_damaged_file_is_named(spoil, result, tmp_path):
    results.write(result, tmp_path)
    path = tmp_path / "realignment.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ValueError, match="realignment.json is damaged"):
        results.load(tmp_path, EXPERIMENTS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.update(preset=5), "(preset is 5, not a text)"),
        (lambda content: content["runs"][1].update(seed="x"), "(runs[1].seed is 'x', not an integer)"),
        (lambda content: content["runs"][0].pop("provenance"), "(runs[0].provenance is missing)"),
        (lambda content: content["rows"][2].update(left="x"), "(rows[2].left is 'x', not a number)"),
        (lambda content: content["rows"][2].update(mean_seconds=-1), "(rows[2].mean_seconds is -1, not a number from"),
        (
            lambda content: content["rows"][2].update(curve=[0.5, 2]),
            "(rows[2].curve[1] is 2, not a number from 0 to 1)",
        ),
        (lambda content: content["rows"][2].pop("start"), "(rows[2] and rows[0] differ in having 'start')"),
        (
            lambda content: [row.pop("start") for row in content["rows"]],
            "(its rows do not fit the experiment: Key",
        ),
        (
            lambda content: [row.update(start=[]) for row in content["rows"]],
            "(its rows do not fit the experiment: ",
        ),
    ],
)
def test_what_the_page_cannot_show_is_refused_in_one_line(change, said, result, tmp_path, monkeypatch, capsys):
    directory = tmp_path / "results"
    results.write(result, directory)
    path = directory / "realignment.json"
    content = json.loads(path.read_text())
    del content["format"], content["sha256"]  # as earlier versions wrote it
    change(content)
    path.write_text(json.dumps(content))
    monkeypatch.setattr("sys.argv", ["pages", str(directory)])
    with pytest.raises(SystemExit) as stopped:
        redraw.main()
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.startswith(f"error: {path} is damaged {said}") and error.count("\n") == 1


def test_what_is_published_can_be_read():
    published = Path(__file__).parents[3] / "docs" / "results"
    assert {result.experiment.name for result in results.load(published, EXPERIMENTS)} == {
        path.stem for path in published.glob("*.json")
    }


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_results_that_are_no_file_are_refused(make, tmp_path):
    make(tmp_path / "realignment.json")
    with pytest.raises(ValueError, match=r"realignment\.json is not a file"):
        results.load(tmp_path, EXPERIMENTS)


def test_seeds_of_different_presets_are_not_mixed(tmp_path):
    first, second = (write_rows(tmp_path, seed) for seed in (0, 1))
    second.write_text(second.read_text().replace('"quick"', '"smoke"'))
    with pytest.raises(ValueError, match=r"seed-1\.json was measured with preset smoke, .*seed-0\.json with quick"):
        results.gather(realignment.EXPERIMENT, [first, second])


def test_bytes_that_are_no_text_are_named(tmp_path):
    (tmp_path / "realignment.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is damaged"):
        results.load(tmp_path, EXPERIMENTS)


def test_a_directory_without_results_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no results"):
        results.load(tmp_path, EXPERIMENTS)


def test_the_page_says_what_was_found_where_it_comes_from_and_how_to_repeat_it(result):
    page = pages.markdown([result], "results")
    experiment = result.experiment
    assert f"## {experiment.title}\n\n{experiment.question}" in page
    assert "| from the preference-fine-tuned agent | 90.0 | 99.8 |" in page
    assert "![Re-alignment](results/realignment.png)" in page and "*Not tested:* An agent aligned" in page
    assert "| An agent aligned to the left is harder to align to the right | us | **not tested** |" in page
    assert "python -m baselines.reproduce realignment --preset quick --seeds 0 3 --out" in page
    assert "Seeds 0, 3; additional compute, summed over seeds: 3 minutes; a processor, commit 0123456789ab" in page


def test_the_page_names_every_commit_of_a_machine_once(result):
    first, second = result.content["runs"]
    runs = [first, second, first, {**second, "provenance": {**PROVENANCE, "commit": "ba9876543210"}}]
    assert "; a processor, commits 0123456789ab and ba9876543210" in pages.origin(
        results.Result(result.experiment, {**result.content, "runs": runs})
    )


def test_publishing_draws_the_same_files_again(result, tmp_path):
    directory = tmp_path / "docs" / "results"
    directory.mkdir(parents=True)
    pages.publish([result], directory)
    written = [*directory.iterdir(), tmp_path / "docs" / "results.md", tmp_path / "docs" / "results.html"]
    files = {path: path.read_bytes() for path in written}
    assert {path.suffix for path in files} == {".png", ".svg", ".csv", ".md", ".html"}
    assert files[directory / "realignment.png"].startswith(b"\x89PNG")
    ElementTree.fromstring(files[directory / "realignment.svg"])
    pages.publish([result], directory)
    assert all(path.read_bytes() == before for path, before in files.items())


def test_finished_seeds_are_collected_into_results_and_a_page(tmp_path):
    for seed in (0, 1):
        write_rows(tmp_path / "rows" / "realignment", seed)
    (made,) = command.collect(tmp_path)
    assert len(made.content["runs"]) == 2
    assert {path.suffix for path in (tmp_path / "results").iterdir()} == {".json", ".csv", ".png", ".svg"}
    assert (tmp_path / "results.md").read_text() == pages.markdown([made], "results")


def test_nothing_finished_makes_no_page(tmp_path):
    assert command.collect(tmp_path) == [] and not (tmp_path / "results.md").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recoverie"], "'recoverie'"),
        (["outcomes", "heatmaps"], "'heatmaps'"),
        ([], "choose among"),
        (["recovery", "--seeds", "0"], "at least 1"),
        (["recovery", "--workers", "0"], "at least 1"),
    ],
)
def test_the_command_refuses_what_does_not_exist(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["reproduce", *words, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())  # tyro frames it
    assert not (tmp_path / "out").exists()


def test_drawing_anew_what_is_not_there_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["pages", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        redraw.main()
    assert stopped.value.code == 2 and "holds no results" in capsys.readouterr().err


def test_every_experiment_has_the_name_of_its_module():
    for experiment in EXPERIMENTS:
        assert experiment.measure.__module__.split(".")[-1] == experiment.name
        assert experiment.title and experiment.question.endswith((".", "?"))
    assert len({experiment.name for experiment in EXPERIMENTS}) == len(EXPERIMENTS)
