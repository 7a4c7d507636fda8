"""Work in chunks whose results are kept in a JSONL file, and tables of what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agents.progress import Progress

Chunk = dict[str, Any]
"""What a piece of work depends on, and nothing else; JSON."""


def finish(chunks: Sequence[Chunk], work: Callable[[Chunk], Any], out: Path | None, description: str) -> list[Any]:
    """Returns the results of all chunks, in their order; work that a file already holds is not done again.

    Args:
        chunks: each with all that its result depends on.
        work: returns a chunk's result, JSON.
        out: JSONL file, one finished chunk a line; None keeps nothing.
        description: of the progress.
    """
    done = {} if out is None else _read(out)
    with Progress(chunks, description, unit="chunk") as progress:
        for chunk in progress:
            name = json.dumps(chunk, sort_keys=True)
            if name in done:
                continue
            done[name] = work(chunk)
            if out is not None:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"chunk": chunk, "result": done[name]}) + "\n")
    return [done[json.dumps(chunk, sort_keys=True)] for chunk in chunks]


def _read(out: Path) -> dict[str, Any]:
    """Returns the results in a file by their chunks; a last line that was not finished is cut off."""
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        return {}
    data = out.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        out.write_bytes(whole)
    lines = [json.loads(line) for line in whole.splitlines()]
    return {json.dumps(line["chunk"], sort_keys=True): line["result"] for line in lines}


def chunks_of(total: int, size: int, **same: Any) -> list[Chunk]:
    """Splits `total` things into chunks of at most `size`, named by `first` and `count`."""
    return [{**same, "first": first, "count": min(size, total - first)} for first in range(0, total, size)]


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Returns a Markdown table with columns of one width."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def percent(share: float, digits: int = 2) -> str:
    """Returns a share as text."""
    return f"{100 * share:.{digits}f}%"
