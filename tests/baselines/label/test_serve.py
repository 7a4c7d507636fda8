"""The command that serves the page: one server at a time, clear errors, and an end that says what there is."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.collect import CollectConfig, collect
from baselines.label.config import LabelConfig
from baselines.label.opening import agent_of
from baselines.label.serve import serve
from baselines.preferences.people.pairs import Asking
from baselines.preferences.people.store import read_answers
from jumppad_env.files import sole_owner
from tools.labeling.crowd import Person

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("compared") / "runs"
    collect(CollectConfig(episodes=12, population="curated", image_size=None), directory, workers=1)
    return directory


def test_a_second_server_on_the_same_answers_says_so(runs, tmp_path):
    (tmp_path / "labels").mkdir()
    with sole_owner(tmp_path / "labels"), pytest.raises(ValueError, match="another baselines.label serves"):
        serve(LabelConfig(tmp_path / "labels", runs))


def test_what_it_cannot_do_is_one_clear_error(runs, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="'red' is on no classic island"):
        serve(LabelConfig(tmp_path / "a", runs, known="red"))
    with pytest.raises(FileNotFoundError):
        serve(LabelConfig(tmp_path / "b", tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="needs --agent, whose network sees the episodes"):
        serve(LabelConfig(tmp_path / "c", runs, asking=Asking("disagreement")))
    with pytest.raises(OSError, match="cannot serve on 203.0.113.7:0 .*; choose another --host or --port"):
        serve(LabelConfig(tmp_path / "d", runs, host="203.0.113.7"))
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "manifest.json").touch()
    with pytest.raises(ValueError, match="holds something else than answers; choose another --out"):
        serve(LabelConfig(tmp_path / "f", runs))
    assert agent_of(runs) is None
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r"needs two more packages: pip install .*\[label\]"):
        serve(LabelConfig(tmp_path / "e", runs))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT for others")
def test_it_serves_keeps_and_goes_on(runs, tmp_path):
    command = [
        sys.executable,
        "-m",
        "baselines.label",
        str(runs),
        "--out",
        str(tmp_path / "labels"),
        "--question",
        "A?",
    ]
    for begun in (0, 3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
            assert server.stdout is not None
            lines = [server.stdout.readline() for _ in range(3)]
            address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", "".join(lines))
            assert address is not None and lines[0] == "A?\n"
            ada = Person(address[0], "Ada")
            for _ in range(3):
                ada.answer()
            server.send_signal(signal.SIGINT)
            assert f"{begun + 3} answers in" in server.stdout.read()
    assert len(read_answers(tmp_path / "labels")[1]) == 6
