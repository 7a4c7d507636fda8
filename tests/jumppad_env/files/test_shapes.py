"""What is wrong with values of JSON, in words."""

from __future__ import annotations  # NotRequired is text then, as in most files

import dataclasses
import json
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

import pytest

from jumppad_env.files.shapes import Count, Duration, Positive, Range, Share, misfit


class Inner(TypedDict):
    share: Share
    ends: NotRequired[tuple[float, float]]


class Loose(TypedDict, total=False):
    name: Required[str]
    share: Share


class Outer(TypedDict):
    name: str
    inner: Inner
    many: NotRequired[list[Inner]]
    by_name: NotRequired[dict[str, Count]]


@dataclasses.dataclass
class Settings:
    width: Positive
    kind: Literal["a", "b"] = "a"
    sizes: tuple[int, ...] = dataclasses.field(default_factory=tuple)


GOOD = {"name": "x", "inner": {"share": 0.5}}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("0", Share),
        ("1", Share),
        ("1.0", Share),
        ("1", Positive),
        ("0", Count),
        ("9007199254740992", Count),
        ("0.0", Duration),
        ("-5", float),
        ("1e300", float),
        ("null", None),
        ("null", float | None),
        ("null", Annotated[float | None, Range(0, 1)]),
        ("true", bool),
        ('"b"', Literal["a", "b"]),
        ("[]", list[int]),
        ("[1, 2.5]", tuple[int, float]),
        ("[1, 2, 3]", tuple[int, ...]),
        ('{"a": {"b": [1]}}', dict[str, Any]),
        (json.dumps(GOOD), Outer),
        (json.dumps({**GOOD, "unknown": [], "many": [{"share": 0}], "by_name": {"a": 3}}), Outer),
        ('{"inner": {"share": 0, "ends": [1, 2]}, "name": ""}', Outer),
        ('{"name": ""}', Loose),
        ('{"width": 3}', Settings),
        ('{"width": 3, "kind": "b", "sizes": [1, 2]}', Settings),
    ],
)
def test_what_fits(text, shape):
    assert misfit(json.loads(text), shape) is None


@pytest.mark.parametrize(
    ("text", "shape", "said"),
    [
        ("1.8", Share, "it is 1.8, not a number from 0 to 1"),
        ("-0.1", Share, "it is -0.1, not a number from 0 to 1"),
        ("true", Share, "it is True, not a number"),
        ('"high"', Share, "it is 'high', not a number"),
        ("NaN", Share, "it is nan, not a number"),
        ("Infinity", float, "it is inf, not a number"),
        ("1" + "0" * 400, float, "it is " + "1" + "0" * 39 + ", not a number"),
        ("0", Positive, "it is 0, not an integer from 1 to 9.0072e+15"),
        ("-5", Count, "it is -5, not an integer from 0 to"),
        ("9007199254740993", Count, "not an integer from 0 to"),
        ("true", Count, "it is True, not an integer"),
        ("1.0", Count, "it is 1.0, not an integer"),
        ("2e12", Duration, "not a number from 0 to 1e+12"),
        ("null", int, "it is null, not an integer"),
        ("0", None, "it is 0, not null"),
        ("0", bool, "it is 0, not true or false"),
        ("5", str, "it is 5, not a text"),
        ('"x"', float | None, "it is 'x', not a number"),
        ('"c"', Literal["a", "b"], "it is 'c', not one of a, b"),
        ("true", Literal[1], "it is True, not one of 1"),
        ("[[]]", list[Literal["a"]], "[0] is a list, not one of a"),
        ("{}", list[int], "it is an object, not a list"),
        ("[1, true]", list[int], "[1] is True, not an integer"),
        ("[1]", tuple[int, float], "it is a list, not a list of 2"),
        ('[1, "x"]', tuple[int, float], "[1] is 'x', not a number"),
        ("[1, null]", tuple[int, ...], "[1] is null, not an integer"),
        ("[]", dict[str, int], "it is a list, not an object"),
        ("5", Outer, "it is 5, not an object"),
        ('{"name": "x"}', Outer, "inner is missing"),
        ('{"inner": {"share": 0}}', Outer, "name is missing"),
        ('{"name": "x", "inner": {}}', Outer, "inner.share is missing"),
        ('{"name": "x", "inner": {"share": 0, "ends": [0]}}', Outer, "inner.ends is a list, not a list of 2"),
        (json.dumps({**GOOD, "many": [{"share": 0}, {"share": 2}]}), Outer, "many[1].share is 2, not a number from 0"),
        (json.dumps({**GOOD, "by_name": {"a": {"b": 1}}}), Outer, "by_name.a is an object, not an integer"),
        ('{"share": 0}', Loose, "name is missing"),
        ('{"name": 3}', Loose, "name is 3, not a text"),
        ('{"name": "", "share": 2}', Loose, "share is 2, not a number from 0 to 1"),
        ('{"kind": "a"}', Settings, "width is missing"),
        ('{"width": 3, "depth": 1}', Settings, "depth is unknown"),
        ('{"width": 3, "sizes": [0.5]}', Settings, "sizes[0] is 0.5, not an integer"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(text, shape, said):
    assert said in (misfit(json.loads(text), shape) or "")


def test_what_is_said_is_short_and_harmless_on_a_terminal():
    evil = "\x1b[2J\n\u2028\ud800" + "x" * 1000
    for value, shape in (({evil: 5}, dict[str, str]), (evil, int)):
        said = misfit(value, shape) or ""
        assert "\\x1b[2J\\n\\u2028\\ud800x" in said and said.isprintable() and len(said) < 80
