"""Checksums of blocks: the same however the bytes come, and a damaged frame is named when it is read."""

import hashlib
import json
import shutil
import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from jumppad_env.dataset import Dataset, write_dataset
from jumppad_env.dataset import blocks as module
from jumppad_env.dataset.blocks import BLOCK, BlockHasher, CheckedFile
from jumppad_env.dataset.trajectory import Trajectory
from jumppad_env.files import seal
from tests.jumppad_env.dataset.test_writing import episode


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_blocks_do_not_depend_on_how_the_bytes_come(size):
    data = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    expected = [zlib.crc32(data[at : at + BLOCK].data) for at in range(0, size, BLOCK)]
    for piece in (17 + size // 9, BLOCK, 2 * BLOCK + 1, size + 1):
        hasher = BlockHasher()
        for at in range(0, size, piece):
            hasher.update(data[at : at + piece].data)
        whole, found = hasher.finish()
        assert whole == hashlib.sha256(data.data).hexdigest()
        assert found.dtype == np.uint32 and found.tolist() == expected


def test_only_damaged_blocks_are_refused(tmp_path):
    data = np.arange(3 * BLOCK, dtype=np.uint8)
    hasher = BlockHasher()
    hasher.update(data.data)
    blocks = hasher.finish()[1]
    data[BLOCK + 5] ^= 1
    (tmp_path / "file").write_bytes(data.data)
    checked = CheckedFile(tmp_path / "file", blocks)
    checked.check(0, BLOCK)
    checked.check(2 * BLOCK, 3 * BLOCK)
    for start, stop in ((0, BLOCK + 1), (2 * BLOCK - 1, 2 * BLOCK + 1), (BLOCK + 9, BLOCK + 10)):
        with pytest.raises(ValueError, match=rf"file is damaged .its bytes from {BLOCK} on"):
            checked.check(start, stop)
    with pytest.raises(ValueError, match="the checksums of 2 blocks"):
        CheckedFile(tmp_path / "file", blocks[:2])


def test_a_block_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(bytes(BLOCK))
    hasher = BlockHasher()
    hasher.update(bytes(BLOCK))
    checked = CheckedFile(tmp_path / "file", hasher.finish()[1])
    read = []
    monkeypatch.setattr(module, "zlib", SimpleNamespace(crc32=lambda data: read.append(len(data)) or zlib.crc32(data)))
    checked.check(0, 10)
    checked.check(0, BLOCK)
    assert read == [BLOCK]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A dataset with frames of more than one block."""
    directory = tmp_path_factory.mktemp("data") / "d"
    random = np.random.default_rng(0)
    played = [episode(seed) for seed in range(4)]
    frames = [random.integers(0, 256, (len(one), 128, 128, 3), np.uint8) for one in played]
    with_frames = [Trajectory(**{**vars(one), "frames": some}) for one, some in zip(played, frames, strict=True)]
    write_dataset(directory, with_frames, seed=0, description={"population": "test"})
    return directory


@pytest.mark.parametrize("index", range(4))
def test_a_flipped_bit_in_frames_is_named_when_its_episode_is_read(drawn, tmp_path, index):
    copy = shutil.copytree(drawn, tmp_path / "d")
    rows = Dataset(copy).rows(index)
    path, row_bytes = copy / "frames.npy", 128 * 128 * 3
    data = bytearray(path.read_bytes())
    data[len(data) - Dataset(copy).manifest["steps"] * row_bytes + rows.start * row_bytes + 1000] ^= 4
    path.write_bytes(data)
    dataset = Dataset(copy)
    with pytest.raises(ValueError, match=r"frames\.npy is damaged"):
        dataset.trajectory(index)
    others = [other for other in range(4) if abs(other - index) > 1]
    assert all(len(dataset.trajectory(other)) == 20 for other in others)


@pytest.mark.parametrize("name", ["frames.npy", "blocks.npy"])
def test_frames_have_blocks(drawn, tmp_path, name):
    copy = shutil.copytree(drawn, tmp_path / "d")
    (copy / name).unlink()
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["files"][name], manifest["sha256"]
    (copy / "manifest.json").write_text(seal(manifest))
    with pytest.raises(ValueError, match="manifest.json is damaged"):
        Dataset(copy)


@pytest.mark.parametrize("name", ["episodes.npy", "actions.npy", "states.npy", "blocks.npy"])
def test_a_flipped_bit_elsewhere_is_named_on_opening(drawn, tmp_path, name):
    copy = shutil.copytree(drawn, tmp_path / "d")
    data = bytearray((copy / name).read_bytes())
    data[-3] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ValueError, match=name):
        Dataset(copy)
