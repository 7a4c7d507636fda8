"""Keyword arguments of ``gymnasium.make("Jumppad-v0", ...)``, and their validation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jumppad_env.gamepad import FORMATS
from jumppad_env.rules import CHARACTERS, PADS

OBSERVATIONS = ("pixels", "state", "both")
RENDER_MODES = ("rgb_array", "human")
LARGEST_IMAGE = 2048
PAPER = ("character", "team", "hud", "shake", "weather")
"""Kinds of variety within a match, as in the paper."""
KINDS = (*PAPER, "light", "colors", "landmarks", "clutter", "camera")
"""Kinds of variety.

`character`: another character is drawn. `team`: three team-mates at the spawn points. `hud`: a heads-up display.
`shake`: the camera shakes with speed. `weather`: small changes of light. `light`: time of day. `colors`: new colors for
each family of materials. `landmarks`: other positions. `clutter`: objects beside the track. `camera`: distance, height,
shoulder offset and field of view.
"""
VARIETIES = {"none": (), "paper": PAPER, "high": KINDS}


def parse_variety(variety: object) -> tuple[str, ...]:
    """Returns the kinds that a value of the keyword `variety` enables, in the order of `KINDS`.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(variety, str) and variety in VARIETIES:
        return VARIETIES[variety]
    names = (variety,) if isinstance(variety, str) else variety
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) and name in KINDS for name in names):
        raise ValueError(
            f"variety={variety!r} is unknown; choose one of {', '.join(map(repr, VARIETIES))}, "
            f"or names of kinds: {', '.join(map(repr, KINDS))}"
        )
    return tuple(kind for kind in KINDS if kind in names)


def _expect(name: str, value: object, allowed: Iterable[object]) -> None:
    choices = list(allowed)
    # `value in choices` alone would fail on arrays; all choices are strings or None.
    if not (value is None or isinstance(value, str)) or value not in choices:
        raise ValueError(f"{name}={value!r} is unknown; choose one of {', '.join(map(repr, choices))}")


def _size(name: str, value: Sequence[int]) -> tuple[int, int]:
    try:
        height, width = (int(v) for v in value)
        whole = (height, width) == tuple(value)
    except (TypeError, ValueError):
        height = width = 0
        whole = False
    if not whole or not (8 <= height <= LARGEST_IMAGE and 8 <= width <= LARGEST_IMAGE):
        raise ValueError(f"{name}={value!r} must be (height, width), two integers from 8 to {LARGEST_IMAGE} pixels")
    return height, width


@dataclass(frozen=True)
class Options:
    """Keywords of the environment; docs/environment.md explains each.

    Raises:
        ValueError: an unknown or invalid value; the message lists what is allowed.
    """

    observation: str = "pixels"
    actions: str = "gamepad"
    image_size: tuple[int, int] = (128, 128)
    target: str | None = None
    character: str = "rider"
    variety: str | tuple[str, ...] = "none"
    terminate_on_pad: bool = True
    flight_steps: int = 6
    render_mode: str | None = None
    render_size: tuple[int, int] = (360, 600)

    def __post_init__(self) -> None:
        _expect("observation", self.observation, OBSERVATIONS)
        _expect("actions", self.actions, FORMATS)
        _expect("target", self.target, (None, *PADS))
        _expect("character", self.character, (*CHARACTERS, "random"))
        parse_variety(self.variety)
        if not isinstance(self.variety, str):
            object.__setattr__(self, "variety", tuple(self.variety))
        _expect("render_mode", self.render_mode, (None, *RENDER_MODES))
        object.__setattr__(self, "image_size", _size("image_size", self.image_size))
        object.__setattr__(self, "render_size", _size("render_size", self.render_size))
        if not isinstance(self.terminate_on_pad, bool):
            raise ValueError(f"terminate_on_pad={self.terminate_on_pad!r} must be True or False")
        if isinstance(self.flight_steps, bool) or not isinstance(self.flight_steps, int) or self.flight_steps < 0:
            raise ValueError(f"flight_steps={self.flight_steps!r} must be a non-negative integer (control steps)")

    @property
    def draws(self) -> bool:
        """Whether observations include pixels."""
        return self.observation != "state"
