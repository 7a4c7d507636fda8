"""What is written in the window of a person who plays: pure functions from how the episode stands to panels of text."""

from __future__ import annotations

from typing import NamedTuple

from jumppad_env.drawing.window import WHITE, Color, Panel
from jumppad_env.rules import PADS

GREEN: Color = (126, 226, 138)
AMBER: Color = (255, 196, 92)
RED: Color = (255, 138, 122)


class Recorded(NamedTuple):
    """How a recording stands."""

    kept: int
    """Episodes, those of earlier sessions included."""
    style: str = ""
    """Of those that are kept now."""


class Standing(NamedTuple):
    """How an episode stands."""

    character: str
    target: str | None
    """A pad, None for any."""
    pad: int = -1
    """Index of the pad that was touched, -1 for none."""
    success: bool = False
    """The target was touched."""
    fell: bool = False
    ended: bool = False
    seconds: float = 0.0
    """s played until a pad was touched."""
    seconds_left: float = 0.0
    """s until the episode is cut off."""
    distance: float = 0.0
    """m run over ground until a pad was touched."""
    recorded: Recorded | None = None
    """None if nothing is recorded."""


LOADING = Panel("One moment: getting ready", (("After an installation this takes about twenty seconds.",),))
CONTROLS = (
    ("", "Keyboard and mouse", "Gamepad"),
    ("Move", "W A S D", "left stick"),
    ("Look", "arrows, or the mouse (click first)", "right stick"),
    ("Jump", "Space", "A"),
    ("Dodge", "Shift", "B"),
    ("Attack", "F, or the mouse's button", "X"),
    ("Board on, off", "E", "Y"),
    ("Pause", "P", "START"),
    ("Again", "R, Enter or Backspace", "BACK"),
    ("Character", "C", "D-pad left"),
    ("Target", "T", "D-pad right"),
    ("This help", "H or F1", ""),
    ("Quit", "Esc (frees the mouse first)", ""),
)
BEGINNING = (
    ("Jump pads", "up the stairs, at the far end", ""),
    ("Begin, go on", "W A S D or a click", "A"),
)
KEEPING = ("At the end", "R keeps, Backspace discards", "START, BACK")


def aim(target: str | None) -> str:
    """Returns where to go, in words."""
    return "any pad" if target is None else f"the {target} pad"


def outcome(standing: Standing) -> tuple[str, Color]:
    """Returns what has become of the episode and the color to say it in; no words as long as it is open."""
    if standing.pad >= 0 and standing.success:
        return f"The {PADS[standing.pad]} pad!", GREEN
    if standing.pad >= 0:
        return f"The {PADS[standing.pad]} pad, not {aim(standing.target)}", AMBER
    if standing.fell:
        return "Fell off the island", RED
    return ("Out of time", RED) if standing.ended else ("", WHITE)


def recorded_rows(recorded: Recorded | None) -> tuple[tuple[str, str], ...]:
    """Returns what is said of a recording, no row without one."""
    if recorded is None:
        return ()
    return (("Recording", f"{recorded.kept} kept" + (f", style {recorded.style}" if recorded.style else "")),)


def heads_up(standing: Standing) -> list[Panel]:
    """Returns what is shown during play: who goes where, the time left, how to get help, and that it is recorded."""
    told, color = outcome(standing)
    return [
        Panel(told or f"{standing.character.capitalize()} to {aim(standing.target)}", place=(0.0, 0.0), color=color),
        Panel(f"{standing.seconds_left:.1f} s", place=(1.0, 0.0), color=WHITE if standing.seconds_left > 3 else AMBER),
        Panel(rows=(("H help   P pause   R again",),), place=(0.0, 1.0)),
        *([Panel(rows=recorded_rows(Recorded(standing.recorded.kept)), place=(1.0, 1.0))] if standing.recorded else []),
    ]


def help_panel(standing: Standing) -> Panel:
    """Returns what the keys do; the game waits meanwhile."""
    seconds = f"{standing.seconds_left:.0f} seconds"
    title = f"{standing.character.capitalize()}: run onto {aim(standing.target)} within {seconds}"
    return Panel(title, (*CONTROLS, KEEPING if standing.recorded else ("", "", ""), *BEGINNING))


def pause_panel(standing: Standing) -> Panel:
    """Returns what is shown while the game waits."""
    rows = (
        ("Time left", f"{standing.seconds_left:.1f} s"),
        ("Character (C)", standing.character),
        ("Target (T)", aim(standing.target)),
        *recorded_rows(standing.recorded),
        *([("This episode", "is kept only if it is played to the end")] if standing.recorded else []),
        ("", ""),
        ("Go on", "P, a click or START"),
        ("Again", "R or BACK"),
        ("Help", "H"),
        ("Quit", "Esc"),
    )
    return Panel("Paused", rows)


def summary_panel(standing: Standing) -> Panel:
    """Returns what is shown when the episode has ended."""
    told, color = outcome(standing)
    again = (("Again", "R, Enter or START"), ("Change", "C character, T target"), ("Quit", "Esc"))
    if standing.recorded is not None:
        again = (
            ("Keep, go on", "R, Enter or START"),
            ("Discard, go on", "Backspace or BACK"),
            ("Keep, change", "C character, T target"),
            ("Keep, quit", "Esc"),
        )
    rows = (
        ("Target", f"{aim(standing.target)}: {'reached' if standing.success else 'not reached'}"),
        ("Time", f"{standing.seconds:.1f} s"),
        ("Distance run", f"{standing.distance:.0f} m"),
        *recorded_rows(standing.recorded),
        ("", ""),
        *again,
    )
    return Panel(told, rows, color=color)
