"""Texts in the game's window: pure functions from the status of an episode to panels."""

from typing import NamedTuple

from jumppad_env.drawing.window import WHITE, Color, Panel
from jumppad_env.rules import PADS

GREEN: Color = (126, 226, 138)
AMBER: Color = (255, 196, 92)
RED: Color = (255, 138, 122)


class Recorded(NamedTuple):
    """Status of a recording."""

    kept: int
    """Kept episodes, including earlier sessions."""
    style: str = ""
    """Style of the episodes kept now."""


class Status(NamedTuple):
    """Status of an episode."""

    character: str
    target: str | None
    """A pad, None for any."""
    pad: int = -1
    """Index of the pad that was touched, -1 for none."""
    success: bool = False
    """Whether the target was touched."""
    fell: bool = False
    ended: bool = False
    seconds: float = 0.0
    """s until a pad was touched."""
    seconds_left: float = 0.0
    """s until the episode is truncated."""
    distance: float = 0.0
    """m covered until a pad was touched."""
    recorded: Recorded | None = None
    """None without a recording."""
    names: tuple[str, ...] = PADS
    """What the pads are called; on levels by their colors."""
    place: str = ""
    """Level and island, on levels."""


LOADING = Panel("Loading ...", (("The first start after an installation takes about twenty seconds.",),))
CONTROLS = (
    ("", "Keyboard and mouse", "Gamepad"),
    ("Move", "W A S D (places of a US keyboard)", "left stick"),
    ("Look", "arrow keys or mouse (click first)", "right stick"),
    ("Jump", "Space", "A"),
    ("Dodge", "Shift", "B"),
    ("Attack", "F or left mouse button", "X"),
    ("Mount / dismount", "E", "Y"),
    ("Pause", "P", "START"),
    ("Restart", "R, Enter or Backspace", "BACK"),
    ("Character", "C", "D-pad left"),
    ("Target", "T", "D-pad right"),
    ("Help", "H or F1", ""),
    ("Quit", "Esc (releases the mouse first)", ""),
)
BEGINNING = (("Jump pads", "up the stairs, at the far end", ""), ("Start / resume", "W A S D or click", "A"))
KEEPING = ("At the end", "R keeps, Backspace discards", "START, BACK")


def aim(target: str | None) -> str:
    """Returns the target in words."""
    return "any pad" if target is None else f"the {target} pad"


def outcome(status: Status) -> tuple[str, Color]:
    """Returns the episode's outcome and its color; an empty text while it is undecided."""
    if status.pad >= 0 and status.success:
        return f"The {status.names[status.pad]} pad!", GREEN
    if status.pad >= 0:
        return f"The {status.names[status.pad]} pad, not {aim(status.target)}", AMBER
    if status.fell:
        return "Fell off the island", RED
    return ("Out of time", RED) if status.ended else ("", WHITE)


def recorded_rows(recorded: Recorded | None) -> tuple[tuple[str, str], ...]:
    """Returns a row on the recording, none without one."""
    if recorded is None:
        return ()
    return (("Recording", f"{recorded.kept} kept" + (f", style {recorded.style}" if recorded.style else "")),)


def heads_up(status: Status) -> list[Panel]:
    """Returns the panels during play: character and target, time left, keys, and the recording."""
    text, color = outcome(status)
    return [
        Panel(text or f"{status.character.capitalize()} to {aim(status.target)}", place=(0.0, 0.0), color=color),
        Panel(f"{status.seconds_left:.1f} s", place=(1.0, 0.0), color=WHITE if status.seconds_left > 3 else AMBER),
        Panel(rows=((f"H help   P pause   R restart{status.place and f'   {status.place}'}",),), place=(0.0, 1.0)),
        *([Panel(rows=recorded_rows(Recorded(status.recorded.kept)), place=(1.0, 1.0))] if status.recorded else []),
    ]


def help_panel(status: Status) -> Panel:
    """Returns the list of keys, shown while the game waits."""
    seconds = f"{status.seconds_left:.0f} seconds"
    title = f"{status.character.capitalize()}: run onto {aim(status.target)} within {seconds}"
    return Panel(title, (*CONTROLS, KEEPING if status.recorded else ("", "", ""), *BEGINNING))


def pause_panel(status: Status) -> Panel:
    """Returns the panel of a paused game."""
    rows = (
        ("Time left", f"{status.seconds_left:.1f} s"),
        ("Character (C)", status.character),
        ("Target (T)", aim(status.target)),
        *recorded_rows(status.recorded),
        *([("This episode", "is kept only if you finish it")] if status.recorded else []),
        ("", ""),
        ("Resume", "P, click or START"),
        ("Restart", "R or BACK"),
        ("Help", "H"),
        ("Quit", "Esc"),
    )
    return Panel("Paused", rows)


def summary_panel(status: Status) -> Panel:
    """Returns the summary of a finished episode."""
    text, color = outcome(status)
    keys = (("Restart", "R, Enter or START"), ("Change", "C character, T target"), ("Quit", "Esc"))
    if status.recorded is not None:
        keys = (
            ("Keep and continue", "R, Enter or START"),
            ("Discard and continue", "Backspace or BACK"),
            ("Keep and change", "C character, T target"),
            ("Keep and quit", "Esc"),
        )
    rows = (
        ("Target", f"{aim(status.target)}: {'reached' if status.success else 'not reached'}"),
        ("Time", f"{status.seconds:.1f} s"),
        ("Distance", f"{status.distance:.0f} m"),
        *recorded_rows(status.recorded),
        ("", ""),
        *keys,
    )
    return Panel(text, rows, color=color)
