"""Windows: what the arrays hold, evenly drawn, in little memory."""

import dataclasses
import multiprocessing
import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch

from agents.dataset import Dataset, write_dataset
from agents.dataset.windows import Window, Windows
from jumppad_env.dataset import Trajectory
from jumppad_env.world import STATE
from tools.compare_windows import CompareConfig, compare

LENGTHS = (3, 9, 4, 12, 1)
STEPS = 4


def digits(rows):
    """Returns actions that name the rows: their binary digits."""
    return (rows[:, None] >> np.arange(16) & 1).astype(np.uint8)


def numbered(length, start):
    """Returns an episode whose every frame and action says which row of the arrays it is."""
    rows = np.arange(start, start + length)
    states = np.zeros((length, len(STATE)))
    states[:, STATE.index("steps")] = np.arange(length)
    states[:, [STATE.index("pad"), STATE.index("since_pad")]] = -1
    return Trajectory(
        seed=start,
        character="rider",
        mode="",
        pad=-1,
        fell=False,
        actions=digits(rows),
        states=states,
        frames=np.broadcast_to(rows[:, None, None, None] + 1, (length, 8, 8, 3)).astype(np.uint8),
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "d"
    starts = np.cumsum((0, *LENGTHS))
    write_dataset(directory, map(numbered, LENGTHS, starts), seed=0, description={})
    return Dataset(directory)


@pytest.fixture(scope="module")
def windows(dataset):
    return Windows(dataset, STEPS)


def rows_of(window):
    """Returns the rows of the arrays that a window's frames name, having compared its actions and what is beyond."""
    mask = np.asarray(window.mask)
    frames, actions = np.asarray(window.frames), np.asarray(window.actions)
    assert frames.shape == (*mask.shape, 8, 8, 3) and actions.shape == (*mask.shape, 16)
    assert frames.dtype == actions.dtype == np.uint8 and mask.dtype == np.bool_
    assert (frames == frames[..., :1, :1, :1]).all()
    rows = frames[..., 0, 0, 0].astype(int) - 1
    assert not frames[~mask].any() and not actions[~mask].any()
    assert np.array_equal(actions[mask], digits(rows[mask]))
    return rows[mask]


def valid_windows():
    """Lists the rows of every window there should be."""
    starts = np.cumsum((0, *LENGTHS))
    for start, length in zip(starts, LENGTHS, strict=False):
        for first in range(max(length - STEPS, 0) + 1):
            yield list(range(start + first, start + min(first + STEPS, length)))


def test_every_window_is_what_the_arrays_hold(windows):
    assert [rows_of(windows[index]).tolist() for index in range(len(windows))] == list(valid_windows())


@pytest.mark.parametrize("part", [slice(0, 2), slice(None), slice(-3, None), slice(8, 0, -3), slice(5, 5)])
def test_a_slice_holds_its_windows_in_order(windows, part):
    some = windows[part]
    assert some.frames.shape[:2] == some.mask.shape == (len(range(len(windows))[part]), STEPS)
    assert [rows_of(Window(*parts)).tolist() for parts in zip(*some, strict=True)] == list(valid_windows())[part]


def test_several_windows_are_read_at_a_time(windows):
    several = windows.__getitems__([3, 0, -1])
    assert [rows_of(window).tolist() for window in several] == [list(valid_windows())[index] for index in (3, 0, -1)]
    assert several[0].frames.base is several[1].frames.base is not None
    with pytest.raises(IndexError, match=f"window {len(windows)} of"):
        windows.__getitems__([0, len(windows)])


@pytest.mark.parametrize("reuse", [False, True])
def test_batches_hold_windows(windows, reuse):
    generator = np.random.default_rng(0)
    out = windows.empty(6) if reuse else None
    valid = list(valid_windows())
    for _ in range(50):
        batch = windows.batch(generator, 6, out)
        assert batch is out or not reuse
        assert all(rows_of(Window(*parts)).tolist() in valid for parts in zip(*batch, strict=True))


def test_the_same_generator_draws_the_same_batch(windows):
    one, other = (windows.batch(np.random.default_rng(7), 32) for _ in range(2))
    assert all(map(np.array_equal, one, other))
    assert not np.array_equal(one.frames, windows.batch(np.random.default_rng(8), 32).frames)


def test_windows_are_drawn_evenly(windows):
    """Chi-square with len - 1 degrees of freedom: mean len - 1, variance 2 (len - 1)."""
    batch = windows.batch(np.random.default_rng(0), 20_000)
    _, counts = np.unique(batch.frames[:, 0, 0, 0, 0], return_counts=True)
    assert len(counts) == len(windows)
    expected = 20_000 / len(windows)
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = len(windows) - 1
    assert abs(statistic - freedom) < 4 * np.sqrt(2 * freedom)


def test_windows_are_copies(windows):
    window = windows[1]
    window.frames[:] = 0
    assert windows[1].frames.all()


@pytest.mark.parametrize("workers", [0, 2])
def test_torchs_loader_takes_it_as_it_is(windows, workers):
    loader = torch.utils.data.DataLoader(windows, batch_size=4, shuffle=True, num_workers=workers)
    batches = list(loader)
    assert isinstance(batches[0], Window) and batches[0].frames.shape == (4, STEPS, 8, 8, 3)
    assert batches[0].frames.dtype == torch.uint8 and batches[0].mask.dtype == torch.bool
    seen = [rows_of(Window(*parts)).tolist() for batch in batches for parts in zip(*batch, strict=True)]
    assert sorted(seen) == sorted(valid_windows())


@pytest.mark.slow  # each of the workers imports torch
def test_workers_that_are_not_forked_open_the_files_themselves(windows):
    assert len(pickle.dumps(windows)) < 1000
    loader = torch.utils.data.DataLoader(
        windows, batch_size=4, num_workers=2, multiprocessing_context=multiprocessing.get_context("spawn")
    )
    seen = [rows_of(Window(*parts)).tolist() for batch in loader for parts in zip(*batch, strict=True)]
    assert seen == list(valid_windows())


def test_memory_is_flat(windows):
    generator, out = np.random.default_rng(0), windows.empty(64)
    size = sum(column.nbytes for column in out)
    windows.batch(generator, 64, out)
    tracemalloc.start()
    for _ in range(200):
        windows.batch(generator, 64, out)
    kept, reused = tracemalloc.get_traced_memory()
    for _ in range(200):
        windows.batch(generator, 64)
    left, fresh = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reused < size and fresh < 2 * size and left - kept < size / 10


def test_faults_get_one_clear_error(dataset, windows, tmp_path):
    with pytest.raises(ValueError, match="at least 1 step"):
        Windows(dataset, 0)
    with pytest.raises(IndexError, match=f"window {len(windows)} of {len(windows)}"):
        windows[len(windows)]
    assert np.array_equal(windows[-1].frames, windows[len(windows) - 1].frames)
    bare = dataclasses.replace(numbered(2, 0), frames=None)
    write_dataset(tmp_path / "bare", [bare], seed=0, description={})
    with pytest.raises(ValueError, match="need frames"):
        Windows(Dataset(tmp_path / "bare"), STEPS)


@pytest.mark.slow
def test_the_comparison_with_minari_counts_frames(dataset):
    pytest.importorskip("minari")
    rates = compare(CompareConfig(dataset.directory, steps=STEPS, batch=4, rounds=1, seconds=0.2))
    assert list(rates) == ["windows", "windows, new arrays", "Minari, hdf5", "Minari, arrow"]
    assert min(rates.values()) > 0 and rates["windows"] > 2 * rates["Minari, hdf5"]


@pytest.mark.parametrize(
    ("arguments", "message"), [(["nowhere"], "no dataset in nowhere"), (["nowhere", "--rounds", "0"], "at least 1")]
)
def test_the_comparison_ends_in_one_line_and_exit_code_2(arguments, message):
    command = [sys.executable, "-m", "tools.compare_windows", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"})
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
