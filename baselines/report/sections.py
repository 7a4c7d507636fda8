"""What a report says: one function per section, from a run to HTML."""

import json
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from agents.figures import page
from agents.figures.palette import OUTCOME_COLORS
from agents.figures.style import to_svg
from agents.outcomes import NAMES
from baselines.report.figures import alignment_curves, curve, outcome_bars, reward_accuracy
from baselines.report.heat_map import procedure
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import CITATION, paper_shares
from baselines.report.run_directory import Run, Stage


def percent(share: float, digits: int = 1) -> str:
    """Returns "98.7%"."""
    return f"{100 * share:.{digits}f}%"


def duration(seconds: float) -> str:
    """Returns "55 s", "12.4 min" or "3.1 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def missing(what: Iterable[str]) -> str:
    """Returns a note of what the run does not hold; nothing if it holds all."""
    names = ", ".join(what)
    return f'<p class="missing">Not in this run: {escape(names)}.</p>' if names else ""


def by_kind(run: Run) -> list[Stage]:
    """Returns the stages so that those of one kind stand together, for comparison."""
    return sorted(run.stages, key=lambda stage: list(STAGE_COLORS).index(stage.kind))


def head(run: Run) -> str:
    """Title, summary and key numbers."""
    aligned = [stage for stage in run.stages if stage.kind == "aligned" and stage.outcome]
    sentences = [
        "An agent that sees only pixels and holds only a gamepad learned to play by imitating diverse human-like play; "
        "then it was fine-tuned on clean runs and aligned with preferences, step by step as a language model is."
    ]
    base, finetuned = run.stage("base").outcome, run.stage("finetuned").outcome
    if base:
        sentences.append(
            f"The base agent reaches one of the three jump pads in {percent(1 - base['none'])} of episodes"
        )
        sentences[-1] += f", the fine-tuned one in {percent(1 - finetuned['none'])}." if finetuned else "."
    for stage in aligned:
        assert stage.outcome is not None and stage.target is not None
        low, high = (percent(bound) for bound in stage.outcome["ci95"][stage.target])
        share = percent(stage.outcome[stage.target])
        sentences.append(
            f"Aligned {stage.target}, it takes the {stage.target} pad in <b>{share}</b> ({low} to {high})."
        )
    numbers = []
    for stage in aligned:
        assert stage.outcome is not None and stage.target is not None
        paper = paper_shares(stage.kind, stage.target)
        beside = f"; paper {percent(paper[stage.target])}" if paper else ""
        numbers.append((percent(stage.outcome[stage.target]), f"of {stage.title.lower()} episodes at that pad{beside}"))
    known = [result.accuracy for result in run.reward_models.values() if result.accuracy is not None]
    if known:
        numbers.append((percent(sum(known) / len(known)), "reward-model accuracy on held-out comparisons"))
    if "total" in run.seconds:
        numbers.append((duration(run.seconds["total"]), f"for the whole run, preset {run.preset}"))
    return (
        f'<header><p class="kicker">jumppad, run {escape(run.directory.resolve().name)}</p>'
        "<h1>An imitation agent, aligned like a language model</h1>"
        f'<p class="lead">{" ".join(sentences)}</p>{page.tiles(numbers)}</header>'
    )


def heat_map(run: Run) -> str:
    """The procedure in one picture."""
    svg = to_svg(procedure(run), "procedure", "Trajectories on the map at each stage")
    lacking = [stage.title for stage in run.stages if stage.paths is None]
    text = (
        "Every line is one episode, seen from above; crosses mark the four spawn points, small squares the jump pads. "
        "Diverse play becomes purposeful by fine-tuning, and alignment chooses the destination."
    )
    caption = "Trajectories of the evaluation episodes at each stage. Lines end 0.6 s after a launch."
    return page.section("paths", "The procedure", text, page.figure(svg, caption, scroll=True), missing(lacking))


def outcomes(run: Run) -> str:
    """Bars of every stage beside the paper's."""
    there = [stage for stage in by_kind(run) if stage.outcome]
    text = (
        "Which pad the episodes end at. Solid bars are this run, with 95% intervals; "
        f"pale bars are the paper’s, where it gives them "
        f"(Source: {CITATION}; read off its figures, to about 0.7 points)."
    )
    bars = [to_svg(outcome_bars(stage), f"bars-{stage.name}", f"Outcomes, {stage.title}") for stage in there]
    lacking = [stage.title for stage in run.stages if not stage.outcome]
    return page.section("outcomes", "Outcomes", text, page.cards(bars), missing(lacking))


def videos(run: Run) -> str:
    """Films of every stage that has one."""
    films = [page.video(stage.video, stage.title) for stage in by_kind(run) if stage.video]
    lacking = [stage.title for stage in run.stages if not stage.video]
    text = "Episodes played side by side in real time. A border lights up in the pad’s color when it is reached."
    return page.section("videos", "At play", text, page.cards(films, wide=True), missing(lacking))


def alignment(run: Run) -> str:
    """Alignment curves and reward models."""
    parts, lacking = [], []
    if any(run.stage(f"{target}_aligned").metrics for target in run.targets):
        svg = to_svg(alignment_curves(run), "alignment", "Share of episodes at the target against training episodes")
        note = "Points with 95% intervals: evaluations before and after. Thin: each update; thick: running mean."
        parts.append(page.figure(svg, note))
    else:
        lacking.append("alignment curves")
    if any(result.accuracy is not None for result in run.reward_models.values()):
        svg = to_svg(reward_accuracy(run), "reward-accuracy", "Reward-model accuracy against comparisons")
        parts.append(page.figure(svg, "Reward models on held-out comparisons, beside the paper’s curves."))
    else:
        lacking.append("reward-model accuracy")
    panels = []
    for metric, title in (("reward", "Reward"), ("kl", "KL to the reference"), ("entropy", "Entropy")):
        lines = [(t, OUTCOME_COLORS[t], run.stage(f"{t}_aligned").metrics) for t in run.targets]
        if figure := curve(lines, metric, title):
            panels.append(to_svg(figure, f"align-{metric}", f"{title} during alignment"))
    text = (
        "A reward model learns from comparisons of the fine-tuned agent’s own episodes; "
        "REINFORCE on its score then moves the agent. It never sees which pad was meant."
    )
    grids = page.cards(parts, wide=True) + page.cards(panels)
    return page.section("alignment", "Alignment", text, grids, missing(lacking))


def learning(run: Run) -> str:
    """Losses of every training."""
    accuracies = [(t, OUTCOME_COLORS[t], result.metrics) for t, result in run.reward_models.items()]
    preferred = [(t, OUTCOME_COLORS[t], run.stage(f"{t}_preference_finetuned").metrics) for t in run.targets]
    wanted: list[tuple[str, list[tuple[str, str, list[dict[str, float]]]], str]] = [
        ("Pre-training: loss", [("base", STAGE_COLORS["base"], run.stage("base").metrics)], "loss"),
        ("Fine-tuning: loss", [("fine-tuned", STAGE_COLORS["finetuned"], run.stage("finetuned").metrics)], "loss"),
        ("Reward models: loss", accuracies, "loss"),
        ("Reward models: accuracy in training", accuracies, "accuracy"),
        ("Preference fine-tuning: loss", preferred, "loss"),
    ]
    panels, lacking = [], []
    for index, (title, lines, metric) in enumerate(wanted):
        figure = curve(lines, metric, title)
        if figure is None:
            lacking.append(title)
        else:
            panels.append(to_svg(figure, f"learning-{index}", title))
    return page.section("learning", "Learning curves", "", page.cards(panels), missing(lacking))


def numbers(run: Run) -> str:
    """Table of all outcomes, with intervals."""
    rows: list[tuple[str, list[str]]] = []
    for stage in by_kind(run):
        if stage.outcome is None:
            continue
        paper = paper_shares(stage.kind, stage.target)
        rows.append(("has-paper" if paper else "", _outcome_cells(stage, stage.outcome)))
        if paper:
            rows.append(("paper", ["paper", "", *(percent(paper[name]) for name in NAMES), ""]))
    heads = [f"{page.dot(OUTCOME_COLORS[name])}{name}" for name in NAMES]
    content = page.table(["agent", "episodes", *heads, "mean length"], rows)
    text = "Share of episodes, with 95% intervals (Wilson) in brackets."
    return page.section("numbers", "All numbers", text, content)


def _outcome_cells(stage: Stage, outcome: dict[str, Any]) -> list[str]:
    cells = [f"{page.dot(STAGE_COLORS[stage.kind])}{escape(stage.title)}", f"{outcome['episodes']:,}"]
    for name in NAMES:
        low, high = outcome["ci95"][name]
        cells.append(f"{percent(outcome[name])} <small>[{100 * low:.1f}, {100 * high:.1f}]</small>")
    seconds = outcome.get("mean_seconds")
    return [*cells, f"{seconds:.1f} s" if isinstance(seconds, int | float) else ""]


def how(run: Run) -> str:
    """Configuration, timings, versions, how to reproduce."""
    command = f"python -m baselines.pipeline {run.preset} --out runs/{run.directory.resolve().name}"
    command += f" --targets {' '.join(run.targets)} --seed {run.seed}"
    manifests = {stage.title: stage.manifest for stage in run.stages}
    manifests |= {f"Reward model {target}": result.manifest for target, result in run.reward_models.items()}
    configurations, versions = [], {}
    for title, manifest in manifests.items():
        if manifest is not None:
            kept = {key: manifest[key] for key in ("seed", "config", "metrics", "seconds", "inputs") if key in manifest}
            content = f"<pre>{escape(json.dumps(kept, indent=2))}</pre>"
            configurations.append(page.details(title, content))
            if isinstance(manifest.get("versions"), dict):
                versions |= manifest["versions"]
    longest = max((value for name, value in run.seconds.items() if name != "total"), default=1.0) or 1.0
    times: list[tuple[str, list[str]]] = []
    for name, value in run.seconds.items():
        width = "" if name == "total" else f'<div class="bar" style="width: {100 * value / longest:.1f}%"></div>'
        times.append(("", [escape(name), f"{duration(value)}", f'<td class="grow">{width}</td>']))
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    parts = [f"<pre>{escape(command)}</pre>"]
    parts += [f'<p class="note">Made with {escape(listed)}.</p>'] if listed else []
    parts += ["<h3>Time</h3>", page.table(["stage", "time", ""], times)] if times else []
    parts += ["<h3>Configuration</h3>", *configurations] if configurations else []
    lacking = [f"configuration of {title}" for title, manifest in manifests.items() if manifest is None]
    text = "The same command and seed give the same result on the same machine. Run again, it goes on where it stopped."
    return page.section("how", "How to reproduce", text, *parts, missing(lacking))


SECTIONS: tuple[Callable[[Run], str], ...] = (head, heat_map, outcomes, videos, alignment, learning, numbers, how)
"""In the order of the page."""
