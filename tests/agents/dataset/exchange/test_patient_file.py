"""A full disk ends every export in one error and leaves nothing behind, whatever the library does with its files."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.exchange.lerobot import export_lerobot
from agents.dataset.exchange.minari import export_minari, import_minari
from agents.dataset.exchange.patient_file import PatientFile
from tests.agents.dataset.disks import largest_file

resource = pytest.importorskip("resource")
for _package in ("minari", "h5py", "pyarrow", "av"):
    pytest.importorskip(_package)

EXPORTS = {
    "hdf5": lambda dataset, root: export_minari(dataset, "jumppad/people-v0", root / "minari"),
    "arrow": lambda dataset, root: export_minari(dataset, "jumppad/people-v0", root / "minari", data_format="arrow"),
    "states": lambda dataset, root: export_minari(dataset, "people-v0", root / "minari", observation="state"),
    "lerobot": lambda dataset, root: export_lerobot(dataset, root / "videos/lerobot"),
}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "people"
    collect(CollectConfig(episodes=4, image_size=(32, 32), seed=3), directory, workers=1)
    return Dataset(directory)


@pytest.mark.parametrize("size", [0, 700, 20_000, 100_000])
@pytest.mark.parametrize("export", EXPORTS)
def test_a_full_disk_is_one_error_and_leaves_nothing(people, tmp_path, capfd, export, size):
    with largest_file(size), pytest.raises(OSError, match="no space left while writing .*; free some space") as caught:
        EXPORTS[export](people, tmp_path)
    assert caught.value.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == []
    assert "Error" not in capfd.readouterr().err  # nothing is printed by libraries that clean up
    EXPORTS[export](people, tmp_path)  # and nothing stands in the way


def test_an_import_on_a_full_disk_is_one_error_and_leaves_nothing(people, tmp_path):
    export_minari(people, "people-v0", tmp_path / "minari")
    with largest_file(50_000), pytest.raises(OSError, match="no space left while writing .*again; free some space"):
        import_minari("people-v0", tmp_path / "again", tmp_path / "minari")
    assert [path.name for path in tmp_path.iterdir()] == ["minari"]


def test_what_was_written_is_there_and_the_first_error_is_told(tmp_path):
    with PatientFile(tmp_path / "file") as file:
        file.write(b"hello")
        file.check()
        with largest_file(8):
            assert file.write(b" world") == 6 and file.tell() == 11
            assert file.write(b"!") == 1 and file.tell() == 12
            file.truncate(100)
        with pytest.raises(OSError) as caught:
            file.check()
    assert caught.value.errno == errno.EFBIG
    assert (tmp_path / "file").read_bytes() == b"hello wo"


SMALL_DISK = """
mount -t tmpfs -o size=200k tmpfs "$1" || exit 77
"$2" -m agents.dataset export "$3" --minari jumppad/people-v0 --root "$1"; echo "code $?"
"$2" -m agents.dataset export "$3" --lerobot "$1/lerobot"; echo "code $?"
ls -A "$1"
"""


@pytest.mark.slow  # two processes
@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare, to mount a small disk")
def test_a_disk_that_is_really_full(people, tmp_path):
    command = ["unshare", "-m", "sh", "-c", SMALL_DISK, "sh", tmp_path, sys.executable, people.directory]
    root = Path(__file__).parents[4]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ, "COLUMNS": "300"})
    if done.returncode in (1, 77) and "code" not in done.stdout:
        pytest.skip("may not mount a small disk")
    assert done.stdout.split("\n") == ["code 2", "code 2", ""]  # and no file
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 2 and all(line.startswith("error: no space left while writing") for line in lines), lines
