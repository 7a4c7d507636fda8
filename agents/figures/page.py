"""HTML pages from Jinja2 templates; each page is one file that needs no other and no network.

A template stands beside the code that renders it, begins with `{% extends "page.html" %}` and fills the block
`content`; `parts.html` has the macros that pages share. Text is escaped unless it is `markupsafe.Markup`, such as the
drawings of `agents.figures.style.to_svg`. A value that is missing is an error.
"""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agents.figures.palette import OUTCOME_COLORS

FILTERS = {"percent": "{:.1%}".format, "count": "{:,}".format}
"""0.987 is "98.7%", 1234 is "1,234"."""


def render(folder: Path, template: str, **values: object) -> str:
    """Returns a whole HTML page.

    Args:
        folder: the template's, usually `Path(__file__).parent`.
        template: file name; not that of one in `agents/figures`.
        values: what the template names, among them `title`, the page's title in plain text.

    Raises:
        jinja2.UndefinedError: the template names a value that is not given.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.globals["outcome_colors"] = OUTCOME_COLORS
    return environment.get_template(template).render(values)


def data_url(data: bytes, kind: str) -> str:
    """Returns a file as the address of an `<img>` or `<video>`.

    Args:
        data: the file.
        kind: media type, such as "image/png".
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


# What follows goes once the pages of datasets and runs are templates.


def page(title: str, body: str) -> str:
    """Returns a whole HTML page around HTML."""
    return render(Path(__file__).parent, "body.html", title=title, body=Markup(body))


def section(name: str, title: str, text: str, *parts: str) -> str:
    """Returns a section: a heading, a paragraph of HTML, then its parts."""
    paragraph = f"<p>{text}</p>" if text else ""
    return f'<section id="{name}">\n<h2>{escape(title)}</h2>\n{paragraph}\n' + "\n".join(parts) + "\n</section>"


def tiles(entries: Sequence[tuple[str, str]]) -> str:
    """Returns large numbers with what they mean; plain text."""
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(meaning)}</span></div>' for value, meaning in entries
    )
    return f'<div class="tiles">{cells}</div>' if cells else ""


def cards(figures: Iterable[str], *, wide: bool = False) -> str:
    """Returns figures beside each other as far as the screen allows."""
    cells = "".join(f'<div class="card">{figure}</div>' for figure in figures)
    return f'<div class="grid{" wide" if wide else ""}">{cells}</div>' if cells else ""


def figure(content: str, caption: str, *, scroll: bool = False) -> str:
    """Returns an SVG or video with its caption, which is plain text."""
    content = f'<div class="scroll">{content}</div>' if scroll else content
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"


def video(path: Path, caption: str) -> str:
    """Returns a film, embedded."""
    data = base64.b64encode(path.read_bytes()).decode()
    tag = f'<video controls muted loop playsinline preload="auto" src="data:video/mp4;base64,{data}"></video>'
    return figure(tag, caption)


def table(head: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Returns a table; heads and cells are HTML, and each row comes with its class."""
    heads = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join(
        f'<tr class="{name}">{"".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def details(summary: str, content: str) -> str:
    """Returns something that opens when asked; the summary is plain text."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def dot(color: str) -> str:
    """Returns a colored dot, as in a legend."""
    return f'<span class="dot" style="background: {color}"></span>'
