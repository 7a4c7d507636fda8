"""Curves of trainings: which are found, what is read of them, what is drawn."""

import errno
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from baselines.curves.curves import (
    CurvesConfig,
    draw_curves,
    find_trainings,
    main,
    names_of,
    read_curves,
    smooth,
    write_curves,
)


def training(directory, updates=30, **metrics):
    directory.mkdir(parents=True)
    lines = [{"update": u, **{name: start + u for name, start in metrics.items()}} for u in range(updates)]
    if "played_left" in metrics:
        for line in lines[1::2]:
            del line["played_left"]
    (directory / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


def test_a_run_is_all_its_trainings(tmp_path):
    base, aligned = (
        training(tmp_path / "run" / "base", loss=1.0),
        training(tmp_path / "run" / "left" / "aligned", kl=0.0),
    )
    assert set(find_trainings([tmp_path / "run"])) == {base, aligned}
    assert find_trainings([aligned, base, aligned]) == [aligned, base]
    assert names_of([base, aligned]) == ["base", "left/aligned"] and names_of([base]) == ["base"]
    with pytest.raises(FileNotFoundError, match="holds no training"):
        find_trainings([base, tmp_path / "nowhere"])


def test_points_are_those_of_the_updates_that_have_the_metric(tmp_path):
    found = read_curves(training(tmp_path / "a", updates=4, loss=2.0, played_left=0.0))
    assert found["loss"].tolist() == [[0, 2], [1, 3], [2, 4], [3, 5]]
    assert found["played_left"].tolist() == [[0, 0], [2, 2]]


def test_a_last_line_that_is_being_written_is_left_out_and_other_damage_is_named(tmp_path):
    path = training(tmp_path / "a", updates=3, loss=2.0) / "metrics.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"update": 3, "lo')
    assert len(read_curves(tmp_path / "a")["loss"]) == 3
    path.write_text('{"update"\n' + whole)
    with pytest.raises(ValueError, match=r"metrics\.jsonl is damaged in line 1"):
        read_curves(tmp_path / "a")


def test_a_cut_off_line_of_a_finished_training_is_damage(tmp_path, capsys):
    directory = training(tmp_path / "a", updates=3, loss=2.0)
    with (directory / "metrics.jsonl").open("a") as file:
        file.write('{"upd')
    (directory / "manifest.json").touch()
    with pytest.raises(SystemExit) as stopped:
        main([str(directory), "--out", str(tmp_path / "curves.png")])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.count("\n") == 1 and "metrics.jsonl is damaged in line 4 (no " in error
    assert not (tmp_path / "curves.png").exists()


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_metrics_that_are_no_file_are_refused(make, tmp_path):
    (tmp_path / "run" / "a").mkdir(parents=True)
    make(tmp_path / "run" / "a" / "metrics.jsonl")
    for given in (tmp_path / "run", tmp_path / "run" / "a"):
        with pytest.raises(ValueError, match=r"a/metrics\.jsonl is not a file"):
            write_curves(CurvesConfig((given,), tmp_path / "curves.png"))


def test_names_are_drawn_as_they_are_written(tmp_path):
    names = [r"$\frac$", "$x$", "\ud800", "a$"]
    figure = draw_curves({name: {name: np.zeros((2, 2))} for name in names}, names)
    figure.savefig(io.BytesIO(), format="png")
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert shown == [r"\$\frac\$", r"\$x\$", r"\ud800", r"a\$"]


def test_an_older_picture_stays_where_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    training(tmp_path / "a", loss=1.0)
    picture = tmp_path / "curves.png"
    picture.write_bytes(b"older")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        write_curves(CurvesConfig((tmp_path / "a",), picture))
    assert picture.read_bytes() == b"older" and {path.name for path in tmp_path.iterdir()} == {"a", "curves.png"}


def test_there_is_a_panel_per_metric_and_a_line_per_training_that_has_it(tmp_path):
    curves = {"one": {"loss": np.array([[0.0, 1.0], [1.0, 2.0]])}, "two": {"kl": np.array([[0.0, 3.0]])}}
    figure = draw_curves(curves, ["loss", "kl"])
    loss, kl = figure.axes
    assert [axes.get_title(loc="left") for axes in (loss, kl)] == ["loss", "kl"]
    assert np.array(loss.lines[0].get_xydata()).tolist() == [[0, 1], [1, 2]] and np.array(
        kl.lines[0].get_xydata()
    ).tolist() == [[0, 3]]
    assert loss.lines[0].get_color() != kl.lines[0].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_smoothing_keeps_length_and_mean_level():
    noise = np.random.default_rng(0).normal(size=400)
    assert len(smooth(noise)) == 400 and smooth(noise).std() < 0.5 * noise.std()
    assert smooth(np.array([1.0, 5.0])).tolist() == [1.0, 5.0]


def test_a_picture_is_written(tmp_path, capsys):
    training(tmp_path / "run" / "base", loss=1.0, kl=2.0)
    main([str(tmp_path / "run"), "--out", str(tmp_path / "new" / "curves.png"), "--metrics", "loss"])
    assert "1 metrics of 1 trainings" in capsys.readouterr().out
    assert (tmp_path / "new" / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trainings": ()}, "no training is given"),
        ({"metrics": ("loss", "wind")}, "metrics wind are in none of these trainings; there are loss"),
        ({"out": "curves.pdf"}, "must end in .png"),
    ],
)
def test_mistakes_are_named(tmp_path, changes, said):
    given = {"trainings": (training(tmp_path / "a", loss=1.0),), "out": tmp_path / "curves.png"} | changes
    if "out" in changes:
        given["out"] = tmp_path / changes["out"]
    with pytest.raises(ValueError, match=said):
        write_curves(CurvesConfig(**given))
    assert not list(tmp_path.glob("curves.*"))
