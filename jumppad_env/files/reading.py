"""Reading files that anybody may have written: regular ones of a sensible size, and JSON of the expected shape."""

import hashlib
import json
import math
import os
from pathlib import Path
from typing import Any, NoReturn

from jumppad_env.files.shapes import misfit

LARGEST_JSON = 2**24
"""Bytes; a larger file is refused unread."""
DEEPEST_JSON = 100
"""Lists and objects within each other; what reads and writes deeper ones runs out of its own depth."""
CHECKSUM = "sha256"
"""Last entry of a sealed JSON object: the checksum of its text without that entry."""


def sha256(path: Path) -> str:
    """Returns the checksum of a file, hexadecimal.

    Raises:
        ValueError: it is no regular file.
    """
    check_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_regular(path: Path) -> None:
    """Refuses what is neither a file nor a link to one: reading a pipe or a device may never end.

    Raises:
        FileNotFoundError: there is nothing.
        ValueError: there is something else, such as a link to nothing.
    """
    if not path.is_file():
        if not os.path.lexists(path):
            raise FileNotFoundError(f"{path} is missing")
        raise ValueError(f"{path} is not a file; remove it")


def read_bytes(path: Path, remedy: str, largest: int = LARGEST_JSON) -> bytes:
    """Returns the contents of a file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no regular file, or implausibly large; the message ends with the remedy.
    """
    check_regular(path)
    size = path.stat().st_size
    if size > largest:
        raise ValueError(f"{path} is damaged (it has {size} bytes, more than {largest}); {remedy}")
    return path.read_bytes()


def parse_json(content: bytes | str) -> Any:
    """Returns the value of a JSON text.

    Raises:
        ValueError: it is damaged, nested too deeply, or holds a number that is not finite.
    """
    try:
        value = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    text = content if isinstance(content, str) else content.decode("latin-1")
    if text.count("[") + text.count("{") > DEEPEST_JSON and _is_deep(value):
        raise ValueError("nested too deeply")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST_JSON + 1):
        insides = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, list | dict)]
        level = [inner for inside in insides for inner in inside]
    return bool(level)


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def read_json(path: Path, remedy: str, shape: Any = dict[str, Any]) -> Any:
    """Returns the JSON value in a file.

    Args:
        path: of the file.
        remedy: what to do about a damaged one.
        shape: type that the value must fit, see `jumppad_env.files.shapes.misfit`; by default any object.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged; the message says where, and ends with the remedy.
    """
    content = read_bytes(path, remedy)
    try:
        value = parse_json(content)
    except ValueError:
        raise ValueError(f"{path} is damaged; {remedy}") from None
    if wrong := misfit(value, shape):
        raise ValueError(f"{path} is damaged ({wrong}); {remedy}")
    return value


def read_json_lines(path: Path, remedy: str, shape: Any, *, cut_off: bool = False) -> list[Any]:
    """Returns the JSON values in the lines of a file.

    Args:
        path: of the file.
        remedy: what to do about a damaged one.
        shape: type that each value must fit.
        cut_off: whether the last line may be incomplete, as after a kill; it is left out then.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a line is damaged; the message names it.
    """
    lines = read_bytes(path, remedy, 16 * LARGEST_JSON).split(b"\n")
    if not lines[-1]:
        lines.pop()
    elif cut_off:
        del lines[-1]
    values = []
    for number, line in enumerate(lines, 1):
        try:
            value = parse_json(line)
            wrong = misfit(value, shape)
        except ValueError:
            value, wrong = None, "no JSON"
        if wrong:
            raise ValueError(f"{path} is damaged in line {number} ({wrong}); {remedy}")
        values.append(value)
    return values


def seal(values: dict[str, Any]) -> str:
    """Returns the text of a JSON object with its checksum as the last entry; one that it has is replaced."""
    values = {key: value for key, value in values.items() if key != CHECKSUM}
    digest = hashlib.sha256(json.dumps(values, indent=2).encode()).hexdigest()
    return json.dumps({**values, CHECKSUM: digest}, indent=2)


def read_sealed(path: Path, remedy: str, shape: Any = dict[str, Any], *, unsealed: bool = False) -> Any:
    """Returns the JSON object in a sealed file, with its checksum.

    Args:
        path: of the file.
        remedy: what to do about a damaged one.
        shape: type that the object must fit.
        unsealed: whether one without `format` and checksum is taken too, as earlier versions wrote it.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or was changed after it was written.
    """
    values = read_json(path, remedy, shape)
    if unsealed and not {"format", CHECKSUM} & values.keys():
        return values
    if path.read_bytes() != seal(values).encode():
        raise ValueError(f"{path} was changed after it was written (its checksum does not fit); {remedy}")
    return values
