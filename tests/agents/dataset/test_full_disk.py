"""On a full disk every command on datasets ends in one line and exit code 2, and leaves nothing in the way."""

import os

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset.__main__ import main
from tests.agents.dataset.disks import largest_file

resource = pytest.importorskip("resource")
COMMANDS = {
    "rerender": ["rerender", "PEOPLE", "OUT/d", "--image-size", "16", "16"],
    "merge": ["merge", "OUT/d", "PEOPLE", "PEOPLE"],
    "filter": ["filter", "PEOPLE", "OUT/d", "--min-length", "100"],
    "split": ["split", "PEOPLE", "--fractions", "0.3", "0.7", "--out", "OUT/a", "OUT/d"],
    "stats": ["stats", "PEOPLE", "--out", "OUT/d"],
}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "people"
    collect(CollectConfig(episodes=10, image_size=(16, 16), seed=3), directory, workers=1)
    return directory


@pytest.mark.parametrize("size", [0, 100_000])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_ends_in_one_line_and_can_be_run_again(people, tmp_path, capsys, command, size):
    words = [word.replace("PEOPLE", str(people)).replace("OUT", str(tmp_path)) for word in COMMANDS[command]]
    with largest_file(size), pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    errors = [line for line in capsys.readouterr().err.split("\n") if "error" in line.lower()]
    assert len(errors) == 1 and errors[0].startswith("error: no space left while writing"), errors
    left = ["d"] if command == "rerender" and size else []  # it resumes
    assert os.listdir(tmp_path) == left
    assert main(words) == 0
    assert "d" in os.listdir(tmp_path)
