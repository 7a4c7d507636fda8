"""HTML of pages: each is one self-contained file, in the reader's light or dark colors, for desks and phones."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

STYLE = """
:root { color-scheme: light dark; --font: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  --page: #ffffff; --card: #f7f8fa; --line: #e3e7eb; --ink: #1c2126; --muted: #69737d; --grid: #e3e7eb;
  --accent: #15803d; --map-terrace: #eef0f2; --map-terrace-edge: #b9c2c9; --map-ground: #dfe3e6; --map-step: #cdd4d8;
  --map-lane: #d3d9dd; --map-bed: #aab5bb; --map-wall: #8fa0a4; --map-pad: #5d6b73; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #11151a; --card: #181d24; --line: #2a323b; --ink: #e8ecf0; --muted: #98a3ae; --grid: #2a323b;
  --accent: #4ade80; --map-terrace: #1a2027; --map-terrace-edge: #2c353e; --map-ground: #262e36; --map-step: #323c45;
  --map-lane: #303a43; --map-bed: #46525c; --map-wall: #64747d; --map-pad: #9fb0ba; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.6 var(--font); }
main { max-width: 72rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }
h1 { font-size: clamp(1.7rem, 4.5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 1rem;
  text-wrap: balance; }
h2 { font-size: 1.4rem; letter-spacing: -0.01em; margin: 3.5rem 0 0.25rem; }
p { max-width: 46rem; margin: 0.5rem 0 1rem; } a { color: inherit; }
.kicker { color: var(--accent); font-weight: 650; letter-spacing: 0.04em; margin: 0 0 0.5rem; }
.lead { font-size: 1.12rem; } .note, figcaption { color: var(--muted); font-size: 0.9rem; }
.missing { border-left: 3px solid #e0a526; padding: 0.2rem 0.9rem; color: var(--muted); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 0.9rem; margin: 1.75rem 0; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.1rem; }
.tile b { display: block; font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.02em; }
.tile span { color: var(--muted); font-size: 0.9rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15.5rem), 1fr)); gap: 1rem; }
.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); }
.grid + .grid { margin-top: 1rem; }
.scroll { overflow-x: auto; } .scroll > svg { min-width: 46rem; }
figure { margin: 0; } figcaption { margin-top: 0.4rem; }
svg { display: block; width: 100%; height: auto; } video { width: 100%; border-radius: 8px; display: block; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.93rem; }
th, td { text-align: right; padding: 0.45rem 0.7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--muted); font-weight: 600; }
td small { color: var(--muted); } tr.paper td { color: var(--muted); font-style: italic; padding-top: 0; }
tr.has-paper td { border-bottom: 0; padding-bottom: 0.1rem; }
.dot { display: inline-block; width: 0.75em; height: 0.75em; border-radius: 50%; margin-right: 0.4em; }
.bar { background: var(--muted); height: 0.6rem; border-radius: 4px; min-width: 2px; } td.grow { width: 55%; }
.modes .grid { grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.modes + .scroll, .grid + .scroll { margin-top: 1.5rem; }
.track { position: relative; } .track .bar { height: 0.8rem; }
.whisker { position: absolute; top: calc(50% - 1px); height: 2px; background: var(--ink); }
.shares th, .shares td { padding: 0.18rem 0.5rem; border: 0; font-size: 0.88rem; }
.stack { display: grid; gap: 1rem; align-content: start; } h3 { font-size: 1.02rem; margin: 0 0 0.5rem; }
section > h3 { margin: 2rem 0 0.5rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; font-size: 0.85rem; margin: 0 0 0.5rem; }
.sheet { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
.strip { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 3px; }
.strip img { width: 100%; height: auto; display: block; border-radius: 4px; image-rendering: pixelated; }
.facts { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: 0.4rem 1.5rem; max-width: 56rem; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.biases { max-width: 46rem; padding-left: 1.2rem; } .biases li { margin: 0.4rem 0; }
tr.sum td { font-weight: 600; border-bottom: 0; }
details { border-bottom: 1px solid var(--line); padding: 0.5rem 0; } summary { cursor: pointer; font-weight: 600; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 0.9rem 1.1rem;
  overflow-x: auto; font: 0.88rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
footer { margin-top: 4rem; color: var(--muted); font-size: 0.88rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
@media print { html, body { font-size: 10px; } main { max-width: none; padding: 0; } svg { max-height: 20cm; }
  video { display: none; } .card, .tile, figure, tr { break-inside: avoid; } h2, h3, h2 + p { break-after: avoid; }
  .scroll { overflow: visible; } .scroll > svg { min-width: 0; } footer, h2 { margin-top: 2rem; } }
"""

# Films play while they are seen, and not at all for readers who want no motion.
SCRIPT = """
if (!matchMedia("(prefers-reduced-motion: reduce)").matches && "IntersectionObserver" in window) {
  const seen = new IntersectionObserver(entries => entries.forEach(entry =>
    entry.isIntersecting ? entry.target.play().catch(() => {}) : entry.target.pause()), { threshold: 0.4 });
  document.querySelectorAll("video").forEach(video => seen.observe(video));
}
"""


def page(title: str, body: str) -> str:
    """Returns a whole HTML page.

    Args:
        title: plain text.
        body: HTML.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


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
