"""Figures become part of a page: its colors, its font, names of their own."""

import importlib
import os
import re
import sys
from xml.etree import ElementTree

import pytest

import agents
from agents.figures.style import INK, MUTED, figure_of, styled_axes, to_svg


@pytest.fixture
def svg():
    with styled_axes(3.0, 2.0) as axes:
        axes.plot([0, 1], [2, 1], color="#123456")
        axes.plot([0, 1], [1, 2], color=INK)
        axes.set(xlabel="update", title="Loss")
        return to_svg(figure_of(axes), "mine", 'A "loss" <falls>')


def test_an_svg_follows_the_page(svg):
    assert svg.startswith("<svg") and svg.endswith("</svg>")
    assert "var(--muted)" in svg and "var(--font)" in svg and "#123456" in svg and "<metadata>" not in svg
    assert INK not in svg and MUTED not in svg


def test_an_svg_owns_its_names(svg):
    names = re.findall(r'\bid="([^"]+)"', svg)
    assert names and all(name.startswith("mine-") for name in names)
    assert {*re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)} and not re.findall(r'(?:url\(|href=")#(?!mine-)', svg)


def test_a_label_cannot_leave_its_attribute(svg):
    assert ElementTree.fromstring(svg).get("aria-label") == 'A "loss" <falls>'


@pytest.mark.parametrize(
    ("backend", "argument", "asked"),
    [
        ("module://not_there.backend_inline", "script.py", "agg"),
        ("module://json.backend", "script.py", "module://json.backend"),
        ("TkAgg", "script.py", "TkAgg"),
        ("misspelled", "-m", "agg"),
    ],
)
def test_the_backend_of_a_notebook_or_of_windows_is_not_asked_for(backend, argument, asked, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", backend)
    monkeypatch.setattr(sys, "argv", [argument])
    importlib.reload(agents)
    assert os.environ["MPLBACKEND"] == asked
