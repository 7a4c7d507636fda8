"""Damages the contents of a file, by accident or on purpose; the same generator damages in the same way.

mutate(content, ".npz", np.random.default_rng(5))
"""

import copy
import functools
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator

Mutation = Callable[[bytes, Generator], bytes]

BOMB = 2**30
"""Bytes that the member of a hostile archive unpacks to."""
WHOLE = (
    b"",
    b"null",
    b"true",
    b"5",
    b'"x"',
    b"[1]",
    b"[[]]",
    b"{}",
    b"[" * 2000 + b"]" * 2000,
    b"{" * 10**6,
    b'{"a":' * 10**5,
    b"[" * 10**6,
    b"\xff\xfe\x00\x80" * 8,
    b"\x00" * 4096,
    b"\n" * 100,
    b'\xef\xbb\xbf{"kind": "policy"}',
)
"""What a file may be replaced with."""
RAW = {
    "raw:infinite": "1e400",
    "raw:nan": "NaN",
    "raw:infinity": "-Infinity",
    "raw:long": "1" + "0" * 5000,
    "raw:surrogate": '"\\ud800"',
}
"""JSON that Python would not write, by the text that stands for it until it is written."""
HOSTILE = (
    None,
    True,
    False,
    -1,
    0,
    1,
    1.0,
    2.5,
    -1.5,
    10**12,
    10**30,
    1e308,
    "",
    "x",
    "x" * 5000,
    "../../x",
    "/etc/hostname",
    "\u0000",
    "<script>alert(1)</script>",
    "é\u202e",
    [],
    {},
    [[]],
    [1],
    {"x": 1},
    *RAW,
)
"""Values that some reader may not expect."""
TYPES = (
    "|O",
    "|u1",
    "<f8",
    "<f4",
    "<i8",
    "<u8",
    ">f8",
    "<U4",
    "|S3",
    "|b1",
    "<c16",
    "<M8[s]",
    "V8",
    "|V0",
    "x",
    "<f16",
)
LENGTHS = (0, 1, 2, 3, 7, 10**6, 2**31, 2**40, 2**62, 2**63, 2**64, 10**20, -1)


def mutate(content: bytes, suffix: str, rng: Generator) -> bytes:
    """Returns other content for a file.

    Args:
        content: of the whole file.
        suffix: of its name, which says what it may hold.
        rng: decides what happens; of the same state, the same does.
    """
    for _ in range(100):
        changed = _once(content, STRUCTURAL.get(suffix), rng)
        if rng.random() < 0.2:
            changed = _once(changed, None, rng)
        if changed != content:
            return changed
    raise AssertionError("a mutation that changes nothing, a hundred times")


def flip_bit(content: bytes, rng: Generator) -> bytes:
    """Returns the content with one random bit flipped."""
    place = int(rng.integers(8 * len(content)))
    return _replace(content, place // 8, bytes([content[place // 8] ^ (1 << place % 8)]))


def _once(content: bytes, structural: Mutation | None, rng: Generator) -> bytes:
    chance = rng.random()
    if structural and chance < 0.6:
        return structural(content, rng)
    if chance > 0.95 or not content:
        return WHOLE[rng.integers(len(WHOLE))]
    return BYTES[rng.integers(len(BYTES))](content, rng)


# Bytes. ---------------------------------------------------------------------------------------------------------------


def _replace(content: bytes, start: int, new: bytes, length: int | None = None) -> bytes:
    return content[:start] + new + content[start + (len(new) if length is None else length) :]


def _piece(content: bytes, rng: Generator) -> tuple[int, int]:
    """Draws a start and a length, which is more often short."""
    start = int(rng.integers(len(content)))
    return start, int(min(len(content) - start, 2 ** rng.uniform(0, 10)))


def _other_byte(content: bytes, rng: Generator) -> bytes:
    return _replace(content, int(rng.integers(len(content))), bytes([rng.integers(256)]))


def _several_bytes(content: bytes, rng: Generator) -> bytes:
    start, length = _piece(content, rng)
    return _replace(content, start, rng.bytes(length))


def _special_bytes(content: bytes, rng: Generator) -> bytes:
    start, _ = _piece(content, rng)
    special = (b"\x00" * 8, b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\x00" * 6 + b"\xf0\x7f", b"\x00" * 6 + b"\xf8\x7f")
    return _replace(content, start, special[rng.integers(len(special))])[: len(content)]


def _cut(content: bytes, rng: Generator) -> bytes:
    return content[: rng.integers(len(content))]


def _without_piece(content: bytes, rng: Generator) -> bytes:
    start, length = _piece(content, rng)
    return content[:start] + content[start + length :]


def _with_piece(content: bytes, rng: Generator) -> bytes:
    start, length = _piece(content, rng)
    return content[:start] + rng.bytes(length) + content[start:]


def _twice(content: bytes, rng: Generator) -> bytes:
    start, length = _piece(content, rng)
    return content[: start + length] + content[start:]


def _longer(content: bytes, rng: Generator) -> bytes:
    return content + rng.bytes(int(rng.integers(1, 100)))


BYTES: tuple[Mutation, ...] = (
    flip_bit,
    flip_bit,
    _other_byte,
    _several_bytes,
    _special_bytes,
    _cut,
    _without_piece,
    _with_piece,
    _twice,
    _longer,
)


# JSON. ----------------------------------------------------------------------------------------------------------------


def mutate_value(value: Any, rng: Generator) -> Any:
    """Returns a JSON value in which one random node is replaced, removed, doubled or renamed."""
    root = [copy.deepcopy(value)]
    places = list(_places(root))
    holder, key = places[rng.integers(len(places))]
    action = rng.integers(6)
    if action == 0 and holder is not root:
        del holder[key]
    elif action == 1 and isinstance(holder, list) and holder is not root:
        holder.insert(key, holder[key])
    elif action == 1 and isinstance(holder, dict):
        holder[f"{key}_again"] = holder[key]
    elif action == 2 and isinstance(holder, dict):
        holder[("x", "", "../../x", key.upper())[rng.integers(4)]] = holder.pop(key)
    elif action == 3 and type(holder[key]) in (int, float):
        holder[key] = _near(holder[key], rng)
    else:
        holder[key] = HOSTILE[rng.integers(len(HOSTILE))]
    return root[0]


def _places(holder: Any) -> Any:
    """Yields every place of a value in an object or a list."""
    for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
        yield holder, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _near(number: float, rng: Generator) -> float:
    changes = (float(number), int(number), -number, number + 1, number - 1, number * 10**6, number / 3)
    return changes[rng.integers(len(changes))]


def write_json(value: Any, indent: int | None = 2) -> str:
    """Returns the text of a value, with what Python would not write in its places."""
    text = json.dumps(value, indent=indent)
    for name, raw in RAW.items():
        text = text.replace(f'"{name}"', raw)
    return text


def _json(content: bytes, rng: Generator) -> bytes:
    return write_json(mutate_value(json.loads(content), rng)).encode()


def _json_lines(content: bytes, rng: Generator) -> bytes:
    lines = content.splitlines()
    at = int(rng.integers(len(lines)))
    action = rng.integers(6)
    if action == 0:
        del lines[at]
    elif action == 1:
        lines.insert(at, lines[at])
    else:
        lines[at] = write_json(mutate_value(json.loads(lines[at]), rng), None).encode()
    return b"".join(line + b"\n" for line in lines)


# Arrays. --------------------------------------------------------------------------------------------------------------


def _numbers(shape: list[Any], rng: Generator) -> list[Any]:
    """Returns another shape."""
    shape = list(shape)
    action = rng.integers(4)
    if action == 0 or not shape:
        shape.insert(int(rng.integers(len(shape) + 1)), 1)
    elif action == 1:
        del shape[rng.integers(len(shape))]
    else:
        at = int(rng.integers(len(shape)))
        shape[at] = (LENGTHS[rng.integers(len(LENGTHS))], shape[at] + 1, shape[at] - 1)[rng.integers(3)]
    return shape


def _npy(content: bytes, rng: Generator) -> bytes:
    size = int.from_bytes(content[8:10], "little")
    head, data = content[10 : 10 + size].decode("latin-1"), content[10 + size :]
    before, _, rest = head.partition("'shape': (")
    shape = rest.partition(")")[0]
    action = rng.integers(7)
    if action <= 2:
        numbers = _numbers([int(number) for number in shape.split(",") if number.strip()], rng)
        head = f"{before}'shape': ({', '.join(map(str, numbers))},), }}"
    elif action == 3:
        head = f"{{'descr': '{TYPES[rng.integers(len(TYPES))]}', 'fortran_order': False, 'shape': ({shape}), }}"
    elif action == 4:
        head = head.replace("False", ("True", "None", "0")[rng.integers(3)])
    elif action == 5:
        hostile = ("(" * 9000, "{" * 60000, "__import__('os')", "9" * 5000, "", "\x00", "é" * 100)
        head = hostile[rng.integers(len(hostile))]
    else:
        data = data[: rng.integers(len(data) + 1)] if rng.random() < 0.5 else data + rng.bytes(8)
    encoded = (head.ljust(size - 1) + "\n").encode("latin-1")[:65535]
    version = bytes([rng.integers(1, 4), 0]) if rng.random() < 0.1 else content[6:8]
    return content[:6] + version + len(encoded).to_bytes(2, "little") + encoded + data


def _array(content: bytes, rng: Generator) -> bytes:
    """Returns an .npy file of another array: what a program that knows the format would write."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    action = rng.integers(6)
    if action == 0:
        array = array[: rng.integers(len(array) + 1)] if array.ndim else array[None]
    elif action == 1:
        array = array[None] if rng.random() < 0.5 else array.ravel()
    elif action == 2 and array.dtype.names is None:
        array = array.astype(("f4", "f8", "i2", "U3", "?", "c8", "S2")[rng.integers(7)])
    elif array.size and array.dtype.kind in "iuf":
        values = (0, 1, -1, 10**6, 2**62, np.nan, np.inf, -np.inf, 1e308)
        with np.errstate(all="ignore"):
            value = np.array(values[rng.integers(len(values))]).astype(array.dtype)
        array.reshape(-1)[rng.integers(array.size) if rng.random() < 0.7 else slice(None)] = value
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _npz(content: bytes, rng: Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[rng.integers(len(members))]
    action = rng.random()
    if action < 0.01:
        return _bomb(name)
    if action < 0.1:
        del members[name]
    elif action < 0.2:
        members[("x.npy", "../../x.npy", name.removesuffix(".npy"))[rng.integers(3)]] = members.pop(name)
    elif action < 0.3:
        members[name] = _replace(members[name], 0, WHOLE[rng.integers(len(WHOLE))][:100])
    else:
        members[name] = (_npy if rng.random() < 0.5 else _array)(members[name], rng)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for each, data in members.items():
            archive.writestr(zipfile.ZipInfo(each), data)
    return buffer.getvalue()


@functools.cache
def _bomb(name: str) -> bytes:
    """Returns an archive of a megabyte whose only array unpacks to a gigabyte."""
    buffer = io.BytesIO()
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (BOMB,)})
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w") as file,
    ):
        file.write(head.getvalue())
        for _ in range(BOMB // 2**24):
            file.write(bytes(2**24))
    return buffer.getvalue()


def _safetensors(content: bytes, rng: Generator) -> bytes:
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]
    tensors = [name for name in header if name != "__metadata__"]
    action = rng.integers(8)
    if action <= 3:
        header = mutate_value(header, rng)
    elif action == 4:
        name = tensors[rng.integers(len(tensors))]
        header[name]["shape"] = _numbers(header[name]["shape"], rng)
    elif action == 5:
        name = tensors[rng.integers(len(tensors))]
        types = ("F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL", "F8_E4M3", "X")
        header[name]["dtype"] = types[rng.integers(len(types))]
    elif action == 6:
        return max(0, LENGTHS[rng.integers(len(LENGTHS))] % 2**64).to_bytes(8, "little") + content[8:]
    else:
        start = 4 * int(rng.integers(max(1, len(data) // 4)))
        special = (b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff", b"\xff\xff\x7f\x7f")
        data = _replace(data, start, special[rng.integers(4)] * int(2 ** rng.uniform(0, 8)))[: len(data)]
    encoded = write_json(header, None).encode()
    return len(encoded).to_bytes(8, "little") + encoded + data


STRUCTURAL: dict[str, Mutation] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".npy": lambda content, rng: (_npy if rng.random() < 0.5 else _array)(content, rng),
    ".npz": _npz,
    ".safetensors": _safetensors,
}
