"""HTML pages from Jinja2 templates; each page is one file that needs no other and no network.

A template stands beside the code that renders it, begins with `{% extends "page.html" %}` and fills the block
`content`; `parts.html` has the macros that pages share. Text is escaped unless it is `markupsafe.Markup`, such as the
drawings of `agents.figures.style.to_svg`. A value that is missing is an error.
"""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.figures.palette import OUTCOME_COLORS

FILTERS = {"percent": "{:.1%}".format, "thousands": "{:,}".format}
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
