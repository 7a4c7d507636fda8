"""Damaged files are thrown at all readers of a run; and whoever judges the readers is judged, too."""

import json
import os

import numpy as np
import pytest

from baselines.verify.verify import verify
from jumppad_env.files import read_sealed, seal
from tools import fuzz_readers
from tools.fuzzing import mutations
from tools.fuzzing.judge import judge, make_input, names
from tools.fuzzing.miniature import make_miniature
from tools.fuzzing.mutations import flip_bit, mutate
from tools.fuzzing.readers import Kind, kinds_of

SEED = 0
INPUTS = 65
"""Of each kind of file."""
FLIPS = 200 if "JUMPPAD_THOROUGH" in os.environ else 20


@pytest.fixture(scope="module")
def miniature(tmp_path_factory):
    run = tmp_path_factory.mktemp("fuzz") / "miniature"
    make_miniature(run)
    return run


@pytest.fixture(autouse=True)
def small_bombs(monkeypatch):
    monkeypatch.setattr(mutations, "BOMB", 2**24)


def contents(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_readers_of_a_run_name_the_file_that_is_damaged(miniature):
    before = contents(miniature)
    wrong: dict[str, list[str]] = {}
    for kind in kinds_of(miniature):
        for number in range(1, INPUTS):  # the input 0 would be drawn
            content, resealed = make_input(kind, before[kind.path], SEED, number)
            verdict = judge(kind, content, number, resealed=resealed)
            if verdict.bad:
                wrong.setdefault(kind.name, []).append(f"{number}: {verdict.found}, {verdict.message[:200]}")
    assert not wrong, json.dumps(wrong, indent=1)
    assert contents(miniature) == before, "all files are restored"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_flipped_bits_are_named(miniature):
    before = contents(miniature)
    unseen: dict[str, list[str]] = {}
    for kind in kinds_of(miniature):
        rng = np.random.default_rng(SEED)
        for number in range(1, FLIPS + 1):
            verdict = judge(
                kind, flip_bit(before[kind.path], rng), number, run=miniature, verify=lambda run: verify(run).faults
            )
            if verdict.found != "refused":
                unseen.setdefault(kind.name, []).append(f"{number}: {verdict.found}, {verdict.message[:200]}")
    assert not unseen, json.dumps(unseen, indent=1)


# The judge. -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "place" / "thing.json"
    path.parent.mkdir()
    path.write_text(seal({"number": 5, "list": [1, 2]}))
    return path


def kind_of(path, read, **options):
    return Kind(path, path.name, read, **options)


def fail(error):
    raise error


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (KeyError("number"), "traceback"),
        (ValueError("5 is no number"), "unnamed"),
        (ValueError("other.json is damaged"), "unnamed"),
        (ValueError("thing.json is damaged\nin two lines"), "lines"),
        (ValueError("thing.json is damaged: " + "x" * 3000), "lines"),
        (ValueError("thing.json is damaged"), "refused"),
        (OSError(5, "Input/output error", "thing.json"), "refused"),
    ],
)
def test_errors_are_judged(sealed, error, found):
    before = sealed.read_bytes()
    verdict = judge(kind_of(sealed, lambda: fail(error)), b"null", 1)
    assert verdict.found == found and verdict.bad == (found != "refused")
    assert sealed.read_bytes() == before


def test_what_nobody_notices_is_silent_unless_verify_does(sealed):
    changed = sealed.read_bytes().replace(b"5", b"6", 1)

    def judged(read, checks=True, **options):
        return judge(kind_of(sealed, read, checks=checks), changed, 1, run=sealed.parent, **options).found

    assert judged(lambda: json.loads(sealed.read_text())) == "silent"
    assert judged(lambda: json.loads(sealed.read_text()), checks=False) == "read"
    assert judged(lambda: json.loads(sealed.read_text()), checks=False, verify=lambda run: []) == "silent"
    assert judged(lambda: json.loads(sealed.read_text()), verify=lambda run: [f"{sealed} is damaged"]) == "refused"
    assert judged(lambda: read_sealed(sealed, "make it again")) == "refused"
    assert judged(lambda: read_sealed(sealed, "make it again"), resealed=True) == "read"


def test_a_manifest_is_sealed_again_with_its_files(tmp_path):
    data = tmp_path / "data.bin"
    data.write_bytes(b"old")
    (tmp_path / "manifest.json").write_text(seal({"files": {"data.bin": "0" * 64}}))
    seen = []

    def read():
        seen.append(read_sealed(tmp_path / "manifest.json", "make it again")["files"]["data.bin"])

    assert judge(kind_of(data, read, checks=True), b"new", 1).found == "silent"
    assert judge(kind_of(data, read, checks=True), b"new", 1, resealed=True).found == "read"
    assert seen == ["0" * 64, "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"]


def test_the_file_that_is_named_has_to_be_the_right_one(tmp_path):
    path = tmp_path / "base" / "manifest.json"
    for message in (f"{path} is damaged", f"{path.parent} is damaged", f"{path.parent}/config.json: bad", path.name):
        assert names(message, path), message
    for message in ("it is damaged", f"{tmp_path}/next/manifest.json is damaged", f"{path.parent}line is damaged"):
        assert not names(message, path), message


def test_the_same_numbers_give_the_same_input(sealed):
    kind, content = kind_of(sealed, bool), sealed.read_bytes()
    made = [make_input(kind, content, seed, number) for seed in (0, 1) for number in range(50)]
    assert made == [make_input(kind, content, seed, number) for seed in (0, 1) for number in range(50)]
    assert len({changed for changed, _ in made}) > 80 and content not in {changed for changed, _ in made}
    assert 25 < sum(resealed for _, resealed in made) < 75


@pytest.mark.parametrize("suffix", mutations.STRUCTURAL)
def test_structures_are_changed_where_they_are_known(suffix, miniature):
    content = next(miniature.rglob(f"*{suffix}")).read_bytes()
    assert len({mutate(content, suffix, np.random.default_rng(seed)) for seed in range(100)}) > 60


def test_the_command_counts_what_is_wrong(sealed, monkeypatch, capsys, tmp_path):
    kinds = [kind_of(sealed, lambda: read_sealed(sealed, "make it again"), checks=True)]
    monkeypatch.setattr(fuzz_readers, "make_miniature", lambda run: run.mkdir())
    monkeypatch.setattr(fuzz_readers, "kinds_of", lambda run: kinds)
    monkeypatch.setattr(fuzz_readers, "Fuzzer", lambda run, *rest: FUZZER(sealed.parent, *rest))
    assert fuzz_readers.main(["--inputs", "30"]) == 0
    assert "30 inputs" in capsys.readouterr().out
    kinds[0] = kind_of(sealed, lambda: fail(KeyError("number")))
    assert fuzz_readers.main(["--inputs", "30", "--keep", str(tmp_path / "kept")]) == 1
    said = capsys.readouterr().out
    assert "thing.json: traceback (seed 0, number 0" in said and "30 were handled wrongly" in said
    assert len(list((tmp_path / "kept").glob("*.verdict"))) == 30


FUZZER = fuzz_readers.Fuzzer
