"""Pages from templates: text is escaped, nothing is left out silently, and no other file is needed."""

import os

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from agents.figures.page import render

EVIL = "</title><script>alert(1)</script>"
TEMPLATE = """{% extends "page.html" %}
{% from "parts.html" import bar, cards, interval, outcome_cells, outcome_heads, panel, tiles %}
{% block content %}
{{ tiles([(text, text)]) }}{{ panel(text, text) }}{{ cards([text, text], wide=true) }}
{{ interval(0.5, (0.25, 0.75)) }}{{ bar(0.5, "red") }}{{ 12345 | thousands }}
{% endblock %}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.html").write_text(TEMPLATE)
    return tmp_path


def test_text_is_escaped_and_drawings_are_not(folder):
    html = render(folder, "mine.html", title=EVIL, text=EVIL)
    assert EVIL not in html and html.count("&lt;script&gt;alert(1)") == 7
    assert html.count("<svg>") == 0
    assert render(folder, "mine.html", title="a", text=Markup("<svg></svg>")).count("<svg></svg>") == 6


def test_numbers_are_written_for_readers(folder):
    html = render(folder, "mine.html", title="a", text="b")
    assert "50.0% <small>[25.0, 75.0]</small>" in html and "12,345" in html and "width: 50.0%; background: red" in html


@pytest.mark.parametrize("missing", ["title", "text"])
def test_a_missing_value_is_an_error(folder, missing):
    values = {"title": "a", "text": "b"}
    del values[missing]
    with pytest.raises(UndefinedError, match=missing):
        render(folder, "mine.html", **values)


def test_any_current_directory_will_do(folder, monkeypatch):
    before = render(folder, "mine.html", title="a", text="b")
    monkeypatch.chdir(os.sep)
    assert render(folder, "mine.html", title="a", text="b") == before
