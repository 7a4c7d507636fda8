"""Arrays of .npz files: what we write is read, everything else is one sentence."""

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from jumppad_env.files.arrays import MOST_ENTRIES, read_arrays

WANTED = {"xy": ("f", 2), "lengths": ("iu", 1)}
XY = np.arange(6, dtype=np.float32).reshape(3, 2)


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def with_header(text, data=b"", version=b"\x01\x00"):
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + data


def zipped(path, packing=zipfile.ZIP_DEFLATED, **files):
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.npy", content)
    return path


@pytest.fixture
def path(tmp_path):
    """A file as we write it."""
    np.savez_compressed(tmp_path / "a.npz", xy=XY, lengths=np.array([2, 1]), more=np.array(["text"]))
    return tmp_path / "a.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_we_write_is_read(save, tmp_path):
    arrays = {"rows": XY, "columns": np.asfortranarray(XY), "none": np.zeros((0, 2), np.float64)}
    arrays |= {"flags": np.array([True, False]), "bytes": np.array([0, 255], np.uint8), "number": np.array(7)}
    save(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz", {name: (a.dtype.kind, a.ndim) for name, a in arrays.items()}, "make it")
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array) and found[name].flags.writeable


def test_texts_are_read_and_must_be_texts(tmp_path):
    np.savez(tmp_path / "a.npz", kind=np.array(["pad", "camera"]))
    assert read_arrays(tmp_path / "a.npz", {"kind": ("U", 1)}, "")["kind"].tolist() == ["pad", "camera"]
    np.savez(tmp_path / "b.npz", kind=np.array([0xD800, 0x110000], np.uint32).view("U1"))
    assert "kind has texts that are none" in refused(tmp_path / "b.npz", {"kind": ("U", 1)})


def refused(path, wanted=WANTED, **options) -> str:
    """Returns in which line a file is refused, without its remedy."""
    with pytest.raises(ValueError) as error:
        read_arrays(path, wanted, "make it again", **options)
    text = str(error.value)
    assert text.startswith(str(path)) and "\n" not in text and text.endswith("make it again"), text
    return text


def test_every_cut_and_every_flipped_byte_is_refused_or_changes_nothing(path):
    content = path.read_bytes()
    before = read_arrays(path, WANTED, "")
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert "is damaged" in refused(path)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            after = read_arrays(path, WANTED, "make it again")
        except ValueError as error:
            assert str(error).startswith(f"{path} is damaged (")
        else:  # such as a date
            assert all(np.array_equal(before[name], after[name]) for name in WANTED)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"xy": npy(XY)}, "lengths is missing"),
        ({"xy": npy(XY.astype(int))}, "xy is int64 with 2 dimensions, expected kind f with 2"),
        ({"xy": npy(XY[0])}, "xy is float32 with 1 dimensions"),
        ({"xy": npy(np.where(XY == 3, np.nan, XY))}, "xy has numbers that are not finite"),
        ({"xy": npy(np.where(XY == 3, -np.inf, XY))}, "xy has numbers that are not finite"),
        ({"xy": npy(np.array([{}, "a"], dtype=object))}, "xy is no array of numbers"),
        ({"xy": npy(np.array(["a"]))}, "xy is <U1 with 1 dimensions, expected kind f with 2"),
        ({"xy": npy(np.zeros(2, [("a", "<f4")]))}, "xy is no array of numbers"),
        ({"xy": b""}, "xy is no array of numbers"),
        ({"xy": b"PK\3\4"}, "xy is no array of numbers"),
        ({"xy": npy(XY) + b"\0"}, "xy has 25 bytes, not those of float32 [3, 2]"),
        ({"xy": npy(XY)[:-1]}, "xy has 23 bytes"),
        ({"xy": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000, 2), }")}, "0 bytes"),
        ({"xy": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }")}, "no array"),
        ({"xy": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),), }")}, "no array"),
        ({"xy": with_header("(" * 9000)}, "no array"),
        ({"xy": with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", b"", b"\3\0")}, "no array"),
    ],
)
def test_what_is_no_array_of_ours_is_refused(files, said, tmp_path):
    files = {"lengths": npy([2, 1])} | files if said != "lengths is missing" else files
    assert said in refused(zipped(tmp_path / "a.npz", **files))


def test_flags_that_are_neither_true_nor_false_are_refused(tmp_path):
    content = npy(np.array([True, False]))[:-1] + b"\7"
    assert "neither true nor false" in refused(zipped(tmp_path / "a.npz", flags=content), {"flags": ("b", 1)})


def test_what_would_unpack_to_too_much_is_not_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, xy=np.zeros((100_000, 2), np.float32), lengths=np.array([1]))
    assert path.stat().st_size < 2000
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    assert "its arrays have 800264 bytes, more than 2000" in refused(path, largest=2000)
    assert f"it has {path.stat().st_size} bytes, more than 100" in refused(path, largest=100)


def test_a_size_that_lies_is_not_believed(tmp_path):
    path = tmp_path / "a.npz"
    xy = npy(np.zeros((100_000, 2), np.float32))
    zipped(path, xy=xy, lengths=npy([1]))
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", len(xy)), struct.pack("<L", 200)))
    assert "is damaged" in refused(path, largest=2000)


def test_other_kinds_of_archives_are_refused(path, tmp_path):
    assert "packed in another way" in refused(
        zipped(tmp_path / "b.npz", zipfile.ZIP_LZMA, xy=npy(XY), lengths=npy([3]))
    )
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xy.npy", npy(XY))
    assert "xy is there twice" in refused(path)
    many = {f"a{i}": b"" for i in range(MOST_ENTRIES)}
    zipped(tmp_path / "c.npz", zipfile.ZIP_STORED, xy=npy(XY), lengths=npy([3]), **many)
    assert "it has 66 entries, more than 64" in refused(tmp_path / "c.npz")
    content = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(content[:-22] + b"PK\6\7" + bytes(16) + content[-22:])
    assert "no .npz file" in refused(tmp_path / "b.npz")


def test_what_is_no_file_is_refused_at_once(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="is missing"):
        read_arrays(tmp_path / "nothing.npz", WANTED, "")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(ValueError, match="is not a file; remove it"):
            read_arrays(tmp_path / name, WANTED, "")
