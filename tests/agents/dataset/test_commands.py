"""verify, rerender, merge, split and filter: true verdicts, and episodes that stay what they are."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.__main__ import main
from agents.dataset.rerendering import rerender
from agents.dataset.selection import Wanted, deal, keep, merge, split
from agents.dataset.verification import verify
from agents.population.modes import GOALS
from jumppad_env.drawing import Painter
from jumppad_env.files import seal, sha256
from jumppad_env.world.state import PAD, STRIDE

ROOT = Path(__file__).parents[3]
SIZE = (16, 16)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def run(capsys, *arguments) -> tuple[int, str]:
    """Exit code and last line, as at the command line."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit:
        code = int(exit.code or 0)
    written = capsys.readouterr()
    return code, [*written.err.splitlines(), *written.out.splitlines()][-1]


def reseal(directory: Path, **changes) -> None:
    """Gives a dataset a manifest that fits its files again, so that only what they hold is wrong."""
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest.pop("sha256")
    manifest |= changes | {"files": {name: sha256(directory / name) for name in manifest["files"]}}
    (directory / "manifest.json").write_text(seal(manifest))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three datasets: frames, the same with variety, states of others."""
    root = tmp_path_factory.mktemp("datasets")
    collect(CollectConfig(episodes=24, image_size=SIZE, seed=3), root / "frames")
    collect(CollectConfig(episodes=24, image_size=SIZE, seed=3, variety="high"), root / "varied")
    collect(CollectConfig(episodes=30, image_size=None, seed=4, character="random"), root / "states")
    return root


@pytest.fixture
def copy(made, tmp_path):
    def make(name: str) -> Path:
        shutil.copytree(made / name, tmp_path / name)
        return tmp_path / name

    return make


@pytest.mark.parametrize("name", ["frames", "varied", "states"])
def test_what_was_collected_is_sound(made, name, capsys):
    assert run(capsys, "verify", made / name) == (0, f"{made / name} is sound")


@pytest.mark.parametrize("name", ["actions.npy", "states.npy", "episodes.npy", "frames.npy", "manifest.json"])
def test_one_flipped_bit_is_found_and_the_file_named(copy, name, capsys):
    directory = copy("varied")
    original = (directory / name).read_bytes()
    places = np.random.default_rng(0).integers(len(original) * 8, size=40 if name == "manifest.json" else 8)
    for place in [3, 8 * 20, *places.tolist(), 8 * len(original) - 1]:
        damaged = bytearray(original)
        damaged[place // 8] ^= 1 << place % 8
        (directory / name).write_bytes(damaged)
        faults, _ = verify(directory, frames=0, threads=1)
        text = " ".join(faults)
        # A bit of the manifest may make another file seem wrong.
        assert name in text or (name == "manifest.json" and faults), (place, faults)
    assert run(capsys, "verify", directory) == (1, f"{directory} is damaged")


def test_files_swapped_between_datasets_are_found(copy, made):
    for name in ("actions.npy", "states.npy", "episodes.npy", "frames.npy"):
        directory = copy("frames")
        shutil.copyfile(made / "varied" / name, directory / name)
        faults, _ = verify(directory, frames=10, threads=1)
        same = (made / "varied" / name).read_bytes() == (made / "frames" / name).read_bytes()
        assert same or name in " ".join(faults), name
        shutil.copyfile(made / "states" / name.replace("frames", "actions"), directory / name)
        faults, _ = verify(directory, frames=10, threads=1)
        assert name in " ".join(faults)
        shutil.rmtree(directory)


def change(directory: Path, name: str, edit) -> None:
    array = np.load(directory / name)
    edit(array)
    np.save(directory / name, array, allow_pickle=False)
    reseal(directory)


def bend(rows, column, by):
    def edit(array):
        array[rows, column] += by

    return edit


def other_pad(array):
    array["pad"][2] = (array["pad"][2] + 2) % 4 - 1


def put(column, value, row=2):
    def edit(array):
        array[column][row] = value

    return edit


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("states.npy", bend(7, 0, 1e-15), r"episode 0, step 7: x is"),
        ("states.npy", bend(0, 1, 1e-12), r"episode 0 does not start as its seed"),
        ("states.npy", bend(9, STRIDE, 3 / 1024), r"episode 0, step 9: stride"),
        ("states.npy", bend(0, PAD, 7), r"states.npy: episode 0, step 0: state has pad 6"),
        ("actions.npy", bend(slice(5, 9), 1, 1), r"states.npy: episode 0, step \d+"),
        ("episodes.npy", put("seed", 5), r"episode 2 does not start as its seed 5"),
        ("episodes.npy", other_pad, r"episodes.npy: episode 2 ends with pad .*; in the replay "),
        ("episodes.npy", put("fell", True), r"episodes.npy: episode 2 ends with .* fell True"),
        ("episodes.npy", put("character", "walker"), r"episode 2, step"),
    ],
)
def test_play_that_never_was_is_found_though_all_checksums_are_right(copy, name, edit, message):
    directory = copy("frames")
    episodes = np.load(directory / "episodes.npy")
    if "seed" not in message:  # the play, not the beginning, is at fault
        episodes["seed"] = -1
        np.save(directory / "episodes.npy", episodes)
    change(directory, name, edit)
    faults, right = verify(directory, frames=10, threads=2)
    assert len(faults) == 1 and re.search(message, faults[0]), faults
    assert len(right) == 1


def test_frames_of_another_state_are_found(copy):
    directory = copy("varied")

    def edit(frames):
        frames[50, 3, 4, 1] ^= 1

    change(directory, "frames.npy", edit)
    steps = Dataset(directory).manifest["steps"]
    faults, right = verify(directory, frames=steps, threads=2)
    (start,) = np.load(directory / "episodes.npy")["start"][:1]
    assert len(faults) == 1 and f"step {50 - start}" in faults[0] and "frames.npy" in faults[0] and len(right) == 2
    reseal(directory, renderer="jumppad software rasterizer 3")  # others may round in another way, a little
    faults, right = verify(directory, frames=steps, threads=2)
    assert not faults and "to within 2 of 255" in right[-1] and "rasterizer 3" in right[-1]
    change(directory, "frames.npy", lambda frames: np.copyto(frames[50], frames[50] // 2))
    reseal(directory, renderer="jumppad software rasterizer 3")
    assert "differs from" in verify(directory, frames=steps, threads=2)[0][0]


def test_many_faults_are_counted(copy):
    directory = copy("frames")
    change(directory, "states.npy", bend(slice(None), 4, 0.5))
    faults, _ = verify(directory, frames=10, threads=1)
    assert len(faults) == 6 and faults[-1] == "... and 19 more episodes"


def test_wrong_use_is_exit_code_2(tmp_path, made, capsys):
    code, line = run(capsys, "verify", tmp_path / "nowhere")
    assert code == 2 and "agents.collect" in line
    assert run(capsys, "verify", made / "frames", "--frames", "-1")[0] == 2
    assert run(capsys, "prove", made / "frames")[0] == 2
    code, line = run(capsys, "rerender", made / "states", tmp_path / "r", "--variety", "pink")
    assert code == 2 and "pink" in line
    code, line = run(capsys, "rerender", made / "states", tmp_path / "r", "--character", "ghost")
    assert code == 2 and "ghost" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything")
def test_a_directory_without_permission_is_named(copy, capsys):
    directory = copy("states")
    (directory / "states.npy").chmod(0)
    code, line = run(capsys, "verify", directory)
    assert code == 2 and "states.npy" in line and "ermission" in line
    directory.parent.chmod(0o500)
    try:
        code, line = run(capsys, "filter", directory, directory.parent / "out")
        assert code == 2 and "ermission" in line
    finally:
        directory.parent.chmod(0o700)


def test_rerendered_frames_are_those_that_the_live_environment_shows(made, tmp_path):
    """From states alone, and from other frames; all files are those of a dataset collected like that."""
    rerender(made / "frames", tmp_path / "varied", SIZE, "high", None, 2)
    collect(CollectConfig(episodes=24, image_size=None, seed=3), tmp_path / "states")
    rerender(tmp_path / "states", tmp_path / "from_states", SIZE, "high", None, 2)
    for name in ("episodes.npy", "actions.npy", "states.npy", "frames.npy"):
        live = (made / "varied" / name).read_bytes()
        assert (tmp_path / "varied" / name).read_bytes() == live
        assert (tmp_path / "from_states" / name).read_bytes() == live
    manifest = Dataset(tmp_path / "varied").manifest
    assert manifest["environment"] == Dataset(made / "varied").manifest["environment"]
    assert manifest["sources"][0]["sha256"] == sha256(made / "frames" / "manifest.json")


def test_rerendered_as_somebody_else(made, tmp_path):
    rerender(made / "states", tmp_path / "d", (20, 28), "none", "mystic", 1)
    dataset = Dataset(tmp_path / "d")
    painter = Painter(20, 28)
    assert dataset.frames is not None and dataset.frames.shape[1:] == (20, 28, 3)
    assert np.array_equal(dataset.frames[31], painter.draw_one(dataset.states[31], "mystic"))
    painter.close()
    assert verify(tmp_path / "d", frames=200, threads=1)[0] == []
    assert dataset.episodes.tobytes() == Dataset(made / "states").episodes.tobytes()


def test_damaged_states_are_not_drawn(copy, tmp_path):
    directory = copy("states")
    data = bytearray((directory / "states.npy").read_bytes())
    data[5000] ^= 1
    (directory / "states.npy").write_bytes(data)
    for work in (
        lambda: rerender(directory, tmp_path / "r", SIZE, "none", None, 1),
        lambda: merge(tmp_path / "m", [directory, directory]),
    ):
        with pytest.raises(ValueError, match=r"states\.npy is damaged"):
            work()
    assert [path.name for path in tmp_path.iterdir()] == ["states"]


def equal_episodes(one: Dataset, index: int, other: Dataset, its: int) -> bool:
    a, b = one.trajectory(index), other.trajectory(its)
    names = set(one.episodes.dtype.names or ()) - {"start"}
    same = all(one.episodes[name][index].tobytes() == other.episodes[name][its].tobytes() for name in names)
    frames = a.frames is b.frames if a.frames is None or b.frames is None else np.array_equal(a.frames, b.frames)
    return same and np.array_equal(a.states, b.states) and np.array_equal(a.actions, b.actions) and bool(frames)


def test_split_parts_hold_every_episode_once_and_merge_into_the_whole(made, tmp_path, capsys):
    whole = Dataset(made / "varied")
    outs = [tmp_path / name for name in "abc"]
    code, _ = run(capsys, "split", made / "varied", "--fractions", 0.5, 0.25, 0.25, "--seed", 1, "--out", *outs)
    parts = [Dataset(out) for out in outs]
    assert code == 0 and [len(part) for part in parts] == [12, 6, 6]
    where = {int(seed): index for index, seed in enumerate(whole.episodes["seed"])}
    found = []
    for part in parts:
        for index in range(len(part)):
            its = where[int(part.episodes["seed"][index])]
            assert equal_episodes(part, index, whole, its)
            found.append(its)
    assert sorted(found) == list(range(24))
    assert all(verify(out, frames=100, threads=1)[0] == [] for out in outs)
    assert run(capsys, "merge", tmp_path / "m", *outs)[1] == f"{tmp_path / 'm'}: 24 episodes"
    merged = Dataset(tmp_path / "m")
    assert all(equal_episodes(merged, index, whole, its) for index, its in enumerate(found))
    assert verify(tmp_path / "m", frames=100, threads=1)[0] == []
    with pytest.raises(ValueError, match="exists"):
        split(made / "varied", [1.0], [outs[0]], 0)


@pytest.mark.parametrize("fractions", [(0.9, 0.1), (0.5, 0.3, 0.2), (1.0,)])
def test_every_part_has_its_share_of_every_pad(fractions):
    generator = np.random.default_rng(0)
    for count in (1, 7, 100, 1003):
        pads = generator.choice([-1, 0, 1, 2], size=count, p=[0.45, 0.1, 0.4, 0.05])
        parts = deal(pads, fractions, seed=count)
        assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(count))
        for part, fraction in zip(parts, fractions, strict=True):
            assert abs(len(part) - fraction * count) < 1
            for pad in (-1, 0, 1, 2):
                assert abs((pads[part] == pad).sum() - fraction * (pads == pad).sum()) < 2
        other = deal(pads, fractions, seed=count + 1)
        assert count < 10 or len(fractions) == 1 or not all(map(np.array_equal, parts, other))


@pytest.mark.parametrize(
    ("fractions", "outs", "message"),
    [
        ((0.5, 0.4), "ab", "add up to 1"),
        ((1.5, -0.5), "ab", "positive"),
        ((0.5, 0.5), "a", "2 fractions need"),
        ((0.5, 0.5), "aa", "different"),
        ((0.99, 0.01), "ab", "too few episodes"),
    ],
)
def test_splits_that_make_no_sense_are_refused(made, tmp_path, fractions, outs, message):
    with pytest.raises(ValueError, match=message):
        split(made / "frames", fractions, [tmp_path / out for out in outs], 0)
    assert not list(tmp_path.iterdir())


def test_filter_keeps_what_is_wanted_in_order(made, tmp_path, capsys):
    whole = Dataset(made / "states")
    arguments = ("--pad", "none", "middle", "--min-length", 60, "--mode", "wander", "direct_middle", "idle")
    assert run(capsys, "filter", made / "states", tmp_path / "f", *arguments)[0] == 0
    kept = Dataset(tmp_path / "f")
    expected = [
        index
        for index, row in enumerate(whole.episodes)
        if row["pad"] in (-1, 1) and row["length"] >= 60 and row["mode"] in ("wander", "direct_middle", "idle")
    ]
    assert 0 < len(expected) < len(whole) and len(kept) == len(expected)
    assert all(equal_episodes(kept, index, whole, its) for index, its in enumerate(expected))
    assert verify(tmp_path / "f", frames=0, threads=1)[0] == []
    with pytest.raises(ValueError, match="no episode"):
        keep(made / "states", tmp_path / "g", Wanted(min_length=1000))
    with pytest.raises(ValueError, match="unknown pads"):
        Wanted(pad=("top",))


def test_filter_by_person_and_style(tmp_path, made):

    source = Dataset(made / "states")
    told = [
        dataclasses.replace(source.trajectory(index), person=index % 3, style="ab"[index % 2]) for index in range(12)
    ]
    write_dataset(tmp_path / "d", told, seed=0, description={"goals": GOALS})
    keep(tmp_path / "d", tmp_path / "f", Wanted(person=(0, 2), style=("b",)))
    assert Dataset(tmp_path / "f").episodes["person"].tolist() == [0, 2, 0, 2]


def test_all_of_a_dataset_takes_no_room_again(made, tmp_path):
    keep(made / "frames", tmp_path / "f", Wanted())
    merge(tmp_path / "m", [made / "frames"])
    for name in Dataset(made / "frames").manifest["files"]:
        assert os.path.samefile(made / "frames" / name, tmp_path / "f" / name)
        assert os.path.samefile(made / "frames" / name, tmp_path / "m" / name)
    assert verify(tmp_path / "f", frames=10, threads=1)[0] == []


def test_frames_that_do_not_go_together_are_not_merged(made, tmp_path):
    rerender(made / "frames", tmp_path / "larger", (24, 24), "none", None, 1)
    rerender(made / "frames", tmp_path / "mystics", SIZE, "none", "mystic", 1)
    for other in (made / "varied", made / "states", tmp_path / "larger", tmp_path / "mystics"):
        with pytest.raises(ValueError, match="rerender"):
            merge(tmp_path / "m", [made / "frames", other])
    with pytest.raises(ValueError, match="at least one"):
        merge(tmp_path / "m", [])


def test_goals_of_merged_datasets_keep_their_names(made, tmp_path):

    source = Dataset(made / "states")
    some = [dataclasses.replace(source.trajectory(index), goals=None) for index in range(4)]
    goals = [dataclasses.replace(each, goals=np.arange(len(each), dtype=np.uint8) % 2) for each in some]
    write_dataset(tmp_path / "a", goals[:2], seed=0, description={"goals": ["run", "rest"]})
    write_dataset(tmp_path / "b", goals[2:3], seed=0, description={"goals": ["rest", "jump"]})
    write_dataset(tmp_path / "c", some[3:], seed=0, description={"goals": GOALS})
    merge(tmp_path / "m", [tmp_path / name for name in "abc"])
    merged = Dataset(tmp_path / "m")
    names = np.array(merged.manifest["goals"])
    told = [names[merged.trajectory(index).goals] for index in range(4)]
    assert told[0].tolist()[:3] == ["run", "rest", "run"]
    assert told[2].tolist()[:3] == ["rest", "jump", "rest"]
    assert set(told[3].tolist()) == {"unknown"}
    assert verify(tmp_path / "m", frames=0, threads=1)[0] == []
    np.save(tmp_path / "m" / "goals.npy", np.asarray(merged.goals) + np.uint8(2))
    reseal(tmp_path / "m")
    assert "goals.npy: goal" in verify(tmp_path / "m", frames=0, threads=1)[0][0]


def test_the_command_explains_itself():
    done = subprocess.run([sys.executable, "-m", "agents.dataset", "--help"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    commands = ("verify", "rerender", "merge", "split", "filter", "export", "import")
    assert all(name in done.stdout for name in commands)


def test_to_minari_and_back(made, tmp_path, capsys):
    pytest.importorskip("minari")
    options = ("--minari", "jumppad/test-v0", "--root", tmp_path / "root")
    assert run(capsys, "export", made / "varied", *options)[0] == 0
    assert run(capsys, "import", tmp_path / "back", *options)[0] == 0
    for name in Dataset(made / "varied").manifest["files"]:
        assert (tmp_path / "back" / name).read_bytes() == (made / "varied" / name).read_bytes()
    assert Dataset(tmp_path / "back").manifest["goals"] == Dataset(made / "varied").manifest["goals"]
    assert run(capsys, "export", made / "varied")[0] == 2
    assert run(capsys, "export", made / "states", "--lerobot", tmp_path / "l")[0] == 2
