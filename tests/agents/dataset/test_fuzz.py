"""Broken datasets by the thousand: nothing but the errors that are promised, and no memory wasted."""

import copy
import json
import re
import resource
import shutil
import sys

import numpy as np
import pytest

from agents.dataset import Dataset, write_dataset
from agents.dataset.rerendering import rerender
from agents.dataset.verification import verify
from agents.population import HUMAN
from agents.population.demonstrator import Crowd
from agents.population.modes import GOALS
from agents.rollout import make_envs, rollout
from jumppad_env.files import seal, sha256
from jumppad_env.world.state import LOOK, STEPS

PROMISED = (ValueError, FileNotFoundError)
MOST_MEMORY = 2**28
"""Bytes that broken datasets may cost."""
STRANGE = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**400, 1.5, -0.0, float("nan"), float("inf"), "", "x" * 10_000,
    "../../etc/passwd", "/dev/zero", "\0", "\ud800", "random", "none", [], [[]], [1, 2], ["high"], {}, {"a": 1},
]  # fmt: skip
HEADERS = [
    "{'descr': '|O', 'fortran_order': False, 'shape': (%d,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999, 22), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999999999, 16), }",
    "{'descr': '|u1', 'fortran_order': True, 'shape': (%d, 16), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 16), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (), }",
    "__import__('os')._exit(77)",
    "{'descr': __import__('os')._exit(77), 'fortran_order': False, 'shape': (1,), }",
    "[" * 9000,
    "9" * 9000,
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("fuzz") / "d"
    envs = make_envs(3, (8, 8), variety="paper")
    played = rollout(envs, Crowd(HUMAN, 3), range(3))
    write_dataset(directory, played, seed=0, description={"goals": GOALS, "environment": {"variety": "paper"}})
    envs.close()
    return directory


def leaves(value, path=()):
    """All places of a JSON value, inner ones too."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from leaves(inner, (*path, key))


def strange_manifest(generator, text: bytes) -> bytes:
    kind = generator.integers(4)
    if kind == 0:
        return mutated(generator, text)
    if kind == 1:
        return text[: generator.integers(len(text))] + b"[" * int(generator.integers(1, 10_000))
    manifest = json.loads(text)
    for _ in range(1 + generator.integers(3)):
        places = [path for path in leaves(manifest) if path]
        path = places[generator.integers(len(places))]
        inner = manifest
        for key in path[:-1]:
            inner = inner[key]
        if kind == 2:
            inner[path[-1]] = copy.deepcopy(STRANGE[generator.integers(len(STRANGE))])  # it may be changed in turn
        else:
            del inner[path[-1]]
        if not manifest:
            break
    try:
        return seal({key: value for key, value in manifest.items() if key != "sha256"}).encode()
    except UnicodeEncodeError:
        return text[:-1]


def mutated(generator, data: bytes, end: int | None = None) -> bytes:
    """Some bytes changed, removed or put in, before `end`."""
    changed = bytearray(data)
    end = len(data) if end is None else end
    for _ in range(1 + generator.integers(4)):
        place, what = int(generator.integers(min(end, len(changed)))), generator.integers(3)
        if what == 0:
            changed[place] ^= 1 << int(generator.integers(8))
        elif what == 1:
            changed[place] = int(generator.integers(256))
        else:
            del changed[place : place + int(generator.integers(1, 9))]
            changed[place:place] = generator.bytes(int(generator.integers(9)))
    return bytes(changed)


def strange_array(generator, data: bytes, rows: int) -> bytes:
    if generator.random() < 0.3:
        text = HEADERS[generator.integers(len(HEADERS))]
        header = (text % rows if "%d" in text else text).encode() + b"\n"
        version = b"\1\0" if generator.random() < 0.8 else b"\2\0"
        return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data[128:]
    return mutated(generator, data, end=None if generator.random() < 0.3 else data.index(b"\n") + 1)


def use(directory) -> None:
    """Does with a dataset all that is done with one."""
    try:
        dataset = Dataset(directory)
        for index in range(len(dataset)):
            trajectory = dataset.trajectory(index)
            assert len(trajectory.states) == len(trajectory)
    except PROMISED as error:
        assert str(error)
    faults, right = verify(directory, frames=3, threads=1)  # a missing manifest apart, a fault is no error
    assert faults or right


def fuzz(dataset, tmp_path, count: int, seed: int) -> int:
    """Uses a dataset that is broken in so many ways, and returns by how many bytes the process has grown."""
    generator = np.random.default_rng(seed)
    directory = tmp_path / "d"
    shutil.copytree(dataset, directory)
    original = {path.name: path.read_bytes() for path in directory.iterdir()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names = sorted(original)
    for _ in range(count):
        name = names[generator.integers(len(names))]
        if name == "manifest.json":
            changed = strange_manifest(generator, original[name])
        else:
            changed = strange_array(generator, original[name], json.loads(original["manifest.json"])["steps"])
        (directory / name).write_bytes(changed)
        if name != "manifest.json" and generator.random() < 0.5:  # so that it is not the checksum that is found
            manifest = json.loads(original["manifest.json"])
            manifest.pop("sha256")
            manifest["files"][name] = sha256(directory / name)
            (directory / "manifest.json").write_text(seal(manifest))
        try:
            use(directory)
        except Exception as error:
            error.add_note(f"{name}: {changed[:3000]!r}")
            raise
        for changed_name in (name, "manifest.json"):
            (directory / changed_name).write_bytes(original[changed_name])
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)


def test_some_hundred_broken_datasets(dataset, tmp_path, capsys):
    assert fuzz(dataset, tmp_path, 300, seed=0) < MOST_MEMORY


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_thousand_broken_datasets(dataset, tmp_path, seed, capsys):
    assert fuzz(dataset, tmp_path, 5000, seed) < MOST_MEMORY


@pytest.mark.parametrize("header", HEADERS)
def test_no_header_is_ever_evaluated(dataset, tmp_path, header):
    shutil.copytree(dataset, tmp_path / "d")
    path = tmp_path / "d" / "actions.npy"
    data = path.read_bytes()
    steps = json.loads((tmp_path / "d" / "manifest.json").read_text())["steps"]
    text = (header % steps if "%d" in header else header).encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + data[128:])
    with pytest.raises(ValueError, match=re.escape("actions.npy")):
        Dataset(tmp_path / "d")


def test_a_manifest_of_a_gigabyte_is_not_read(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "d")
    with (tmp_path / "d" / "manifest.json").open("ab") as file:
        file.truncate(2**30)
    with pytest.raises(ValueError, match="damaged"):
        Dataset(tmp_path / "d")


def test_huge_but_finite_states_are_drawn_or_refused(dataset, tmp_path):
    shutil.copytree(dataset, tmp_path / "d")
    states = np.load(tmp_path / "d" / "states.npy")
    wild = [column for column in range(states.shape[1]) if column not in (STEPS, LOOK)]  # others would be refused
    values = np.array([1.7e308, 1e300, -1e300, 1e18, 3e9])
    states[:40, wild] = values[np.random.default_rng(0).integers(len(values), size=(40, len(wild)))]
    np.save(tmp_path / "d" / "states.npy", states)
    manifest = json.loads((tmp_path / "d" / "manifest.json").read_text())
    manifest.pop("sha256")
    manifest["files"]["states.npy"] = sha256(tmp_path / "d" / "states.npy")
    (tmp_path / "d" / "manifest.json").write_text(seal(manifest))
    rerender(tmp_path / "d", tmp_path / "r", (16, 16), "none", None, 1)
    assert verify(tmp_path / "r", frames=0, threads=1)[0]
