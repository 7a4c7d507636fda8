"""Texts in the window."""

import pytest

from jumppad_env.drawing.window import Panel
from jumppad_env.game.controls import BUTTON_KEYS, COMMAND_KEYS
from jumppad_env.game.panels import (
    AMBER,
    CONTROLS,
    GREEN,
    RED,
    Recorded,
    Status,
    heads_up,
    help_panel,
    outcome,
    pause_panel,
    summary_panel,
)


def words(panel: Panel) -> str:
    return "\n".join([panel.title, *("  ".join(row) for row in panel.rows)])


@pytest.mark.parametrize(
    ("status", "told", "color"),
    [
        (Status("rider", "left", pad=0, success=True, ended=True), "The left pad!", GREEN),
        (Status("rider", None, pad=2, success=True, ended=True), "The right pad!", GREEN),
        (Status("rider", "left", pad=1, ended=True), "The middle pad, not the left pad", AMBER),
        (Status("rider", "left", fell=True, ended=True), "Fell off the island", RED),
        (Status("rider", "left", ended=True), "Out of time", RED),
    ],
)
def test_the_summary_says_how_it_ended(status, told, color):
    assert outcome(status) == (told, color)
    panel = summary_panel(status._replace(seconds=6.3, distance=43.6))
    assert (panel.title, panel.color) == (told, color)
    assert ("Time", "6.3 s") in panel.rows and ("Distance", "44 m") in panel.rows
    assert panel.rows[0][1].endswith(": reached") == status.success


def test_play_shows_the_target_and_the_time_left():
    title, clock, hint = heads_up(Status("rider", "left", seconds_left=8.3))
    assert title.title == "Rider to the left pad" and clock.title == "8.3 s" and "H help" in words(hint)
    assert clock.color != AMBER == heads_up(Status("rider", None, seconds_left=2.9))[1].color
    assert heads_up(Status("rider", "left", pad=1))[0].title == "The middle pad, not the left pad"


def test_a_pause_lists_the_keys():
    said = words(pause_panel(Status("scout", None, seconds_left=4.2)))
    assert all(word in said for word in ("Paused", "4.2 s", "scout", "any pad", "START", "Esc"))


def test_the_help_names_every_key():
    said = words(help_panel(Status("rider", "right", seconds_left=10.0)))
    assert "the right pad within 10 seconds" in said
    names = {"return": "Enter", "escape": "Esc", "left shift": "Shift", "right shift": "Shift"}
    for key in (*BUTTON_KEYS, *COMMAND_KEYS):
        assert names.get(key, key.capitalize()) in {word.strip(",;") for word in said.split()}, key


def test_a_recording_and_what_it_keeps_are_shown():
    status = Status("rider", None, recorded=Recorded(3, "careful"))
    assert words(heads_up(status)[-1]).strip() == "Recording  3 kept"
    assert "R keeps, Backspace discards  START, BACK" in words(help_panel(status))
    paused, ended = words(pause_panel(status)), words(summary_panel(status))
    assert "3 kept, style careful" in paused and "only if you finish it" in paused
    assert "Recording  3 kept, style careful\n" in ended
    assert "Recording  3 kept\n" in words(summary_panel(status._replace(recorded=Recorded(3))))
    keys = ("Keep and continue  R", "Discard and continue  Backspace", "Keep and change  C", "Keep and quit  Esc")
    assert all(key in ended for key in keys)


def test_without_a_recording_no_text_mentions_one():
    status = Status("rider", None)
    for panel in (help_panel(status), pause_panel(status), summary_panel(status), *heads_up(status)):
        assert not any(word in words(panel).lower() for word in ("keep", "kept", "recording", "discard"))


@pytest.mark.parametrize("recorded", [None, Recorded(3, "careful")])
def test_rows_of_a_table_are_of_one_length(recorded):
    status = Status("rider", None, recorded=recorded)
    for panel in (help_panel(status), pause_panel(status), summary_panel(status), *heads_up(status)):
        assert len({len(row) for row in panel.rows}) <= 1
    assert len(CONTROLS[0]) == 3
