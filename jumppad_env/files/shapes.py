"""What values of JSON should look like, said as types, and what is wrong with those that do not.

class Outcome(TypedDict):
episodes: Positive
left: Share

misfit({"episodes": 5, "left": 1.8}, Outcome)  # "left is 1.8, not a number from 0 to 1"
"""

import dataclasses
import functools
import math
import types
from collections.abc import Iterable
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

SHOWN = 40
"""Most characters of a wrong value in a message."""


class Range(NamedTuple):
    """Ends of a range of numbers, both included."""

    low: float
    high: float


Share: TypeAlias = Annotated[float, Range(0.0, 1.0)]
Positive: TypeAlias = Annotated[int, Range(1, 2**53)]
Count: TypeAlias = Annotated[int, Range(0, 2**53)]
Duration: TypeAlias = Annotated[float, Range(0.0, 1e12)]


def misfit(value: Any, hint: Any, place: str = "") -> str | None:
    """Returns where a value from JSON differs from a type, and how; None if it fits.

    Args:
        value: of `json.loads`.
        hint: `int`, `float` (finite; integers are taken), `str`, `bool`, `None`, `list[...]`, `tuple[...]` (a list in
            JSON), `dict[str, ...]`, `Literal[...]`, unions, `Annotated[..., Range(...)]`, a TypedDict or a dataclass
            (unknown keys are taken by the first, refused by the second), `Any`.
        place: dotted path of the value.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return None
    if origin is Annotated:
        return misfit(value, arguments[0], place) or _outside(value, arguments[1], place)
    if origin in (NotRequired, Required):
        return misfit(value, arguments[0], place)
    if origin in (Union, types.UnionType):
        found = [misfit(value, kind, place) for kind in arguments]
        return None if None in found else found[0]
    if origin is Literal:
        known = any(value == each and type(value) is type(each) for each in arguments)
        return None if known else _no(value, place, f"one of {', '.join(map(str, arguments))}")
    if origin in (list, tuple):
        return _list_misfit(value, origin, arguments, place)
    if origin is dict:
        if type(value) is not dict:
            return _no(value, place, "an object")
        return _first(misfit(each, arguments[1], _join(place, key)) for key, each in value.items())
    if is_typeddict(hint) or dataclasses.is_dataclass(hint):
        return _object_misfit(value, hint, place)
    if hint is float:
        number = type(value) in (int, float) and abs(value) < 2**1000 and math.isfinite(value)
        return None if number else _no(value, place, "a number")
    names = {int: "an integer", str: "a text", bool: "true or false", type(None): "null", None: "null"}
    return None if type(value) is (type(None) if hint is None else hint) else _no(value, place, names[hint])


def _list_misfit(value: Any, origin: Any, arguments: tuple[Any, ...], place: str) -> str | None:
    if type(value) is not list:
        return _no(value, place, "a list")
    if origin is list or arguments[-1] is Ellipsis:
        kinds = [arguments[0]] * len(value)
    elif len(value) != len(arguments):
        return _no(value, place, f"a list of {len(arguments)}")
    else:
        kinds = list(arguments)
    return _first(misfit(each, kind, f"{place}[{i}]") for i, (each, kind) in enumerate(zip(value, kinds, strict=True)))


def _object_misfit(value: Any, hint: Any, place: str) -> str | None:
    if type(value) is not dict:
        return _no(value, place, "an object")
    hints, required = _entries(hint)
    if dataclasses.is_dataclass(hint) and (unknown := sorted(value.keys() - hints.keys())):
        return f"{_join(place, unknown[0])} is unknown"
    if missing := sorted(required - value.keys()):
        return f"{_join(place, missing[0])} is missing"
    return _first(misfit(value[key], kind, _join(place, key)) for key, kind in hints.items() if key in value)


@functools.cache
def _entries(hint: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Returns the type of each entry, and which must be there."""
    hints = get_type_hints(hint, include_extras=True)
    if is_typeddict(hint):  # which does not see NotRequired and Required in a file where annotations are text
        said = {key: get_origin(kind) for key, kind in hints.items()}
        needed = hint.__required_keys__ | {key for key in said if said[key] is Required}
        return hints, frozenset(key for key in needed if said[key] is not NotRequired)
    fields = dataclasses.fields(hint)
    missing = dataclasses.MISSING
    needed = frozenset(each.name for each in fields if each.default is missing and each.default_factory is missing)
    return {each.name: hints[each.name] for each in fields}, needed


def _outside(value: Any, limits: Any, place: str) -> str | None:
    if value is None or not isinstance(limits, Range) or limits.low <= value <= limits.high:
        return None
    kind = "an integer" if isinstance(limits.low, int) else "a number"
    return _no(value, place, f"{kind} from {limits.low:g} to {limits.high:g}")


def _first(found: Iterable[str | None]) -> str | None:
    return next((each for each in found if each), None)


def _join(place: str, key: str) -> str:
    key = key if key.isprintable() else ascii(key)[1:-1]  # a terminal would obey it
    key = key[:SHOWN]
    return f"{place}.{key}" if place else key


def _no(value: Any, place: str, wanted: str) -> str:
    shown = "null" if value is None else {list: "a list", dict: "an object"}.get(type(value), repr(value)[:SHOWN])
    return f"{place or 'it'} is {shown}, not {wanted}"
