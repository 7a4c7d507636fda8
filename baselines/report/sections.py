"""What a report shows: one function per section, from a run to the values of `report.html`."""

import json
from typing import Any

from agents.figures.page import data_url
from agents.figures.palette import target_colors
from agents.figures.style import to_svg
from agents.outcomes import total_variation
from baselines.report.figures import alignment_curves, curve, outcome_bars, reward_accuracy
from baselines.report.heat_map import procedure
from baselines.report.palette import STAGE_COLORS
from baselines.report.paper import paper_shares
from baselines.report.run_directory import Run, Stage, interval_at, said, share_at

TRUST = {"consistent": "repeats answered as before", "golden": "known answers right"}
"""Titles of shares of answers."""
WAYS = 3
"""Ways over levels that are shown of each agent."""


def duration(seconds: float) -> str:
    """Returns "55 s", "12.4 min" or "3.1 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def by_kind(run: Run) -> list[Stage]:
    """Returns the stages with those of one kind next to each other, for comparison."""
    return sorted(run.stages, key=lambda stage: list(STAGE_COLORS).index(stage.kind))


def head(run: Run) -> dict[str, Any]:
    """Key results."""
    aligned = [stage for stage in run.stages if stage.kind == "aligned" and stage.outcome]
    tiles = []
    for stage in aligned:
        assert stage.outcome is not None and stage.target is not None
        paper = paper_shares(stage.kind, stage.target)
        meaning = f"at the target when aligned to {said(stage.target)}"
        meaning += f"; paper {paper[stage.target]:.1%}" if paper else ""
        if (elsewhere := share_at(stage.target, stage.unseen)) is not None:
            meaning += f"; {elsewhere:.1%} on unseen levels"
        tiles.append((f"{stage.share_at_target:.1%}", meaning))
    accuracies = [result.accuracy for result in run.reward_models.values() if result.accuracy is not None]
    if accuracies:
        tiles.append((f"{sum(accuracies) / len(accuracies):.1%}", "reward-model accuracy on held-out comparisons"))
    if "total" in run.seconds:
        tiles.append((duration(run.seconds["total"]), f"for the whole run, preset {run.preset}"))
    outcomes = {name: run.stage(name).outcome for name in ("base", "finetuned")}
    return {**outcomes, "aligned": aligned, "tiles": tiles}


def paths(run: Run) -> dict[str, Any]:
    """The procedure in one figure."""
    return {
        "figure": to_svg(procedure(run), "procedure", "Trajectories on the map at each stage"),
        "missing": [stage.title for stage in run.stages if stage.paths is None],
    }


def outcomes(run: Run) -> dict[str, Any]:
    """Bars of every stage with the paper's."""
    stages = [stage for stage in by_kind(run) if stage.outcome]
    return {
        "stages": stages,
        "bars": [to_svg(outcome_bars(stage), f"bars-{stage.name}", f"Outcomes, {stage.title}") for stage in stages],
        "missing": [stage.title for stage in run.stages if not stage.outcome],
    }


def levels(run: Run) -> dict[str, Any]:
    """On levels: shares at each target and distances to people, on the levels of training and on unseen ones."""
    people = run.stage("demonstrations").outcome
    rows = []
    for stage in by_kind(run) if run.on_levels else ():
        for where, outcome in (("training", stage.outcome), ("unseen", stage.unseen)):
            if outcome is None:
                continue
            shares = [(share_at(target, outcome), interval_at(target, outcome)) for target in run.targets]
            apart = None if people is None or stage.kind == "demonstrations" else total_variation(people, outcome)
            rows.append((stage, where, outcome, shares, apart, list(outcome["by_way"].items())[:WAYS]))
    return {"rows": rows}


def videos(run: Run) -> dict[str, Any]:
    """Video of every stage that has one."""
    return {
        "videos": [(s.title, data_url(s.video.read_bytes(), "video/mp4")) for s in by_kind(run) if s.video],
        "missing": [stage.title for stage in run.stages if not stage.video],
    }


def alignment(run: Run) -> dict[str, Any]:
    """Alignment curves and reward models."""
    aligned = {target: run.stage(f"{target}_aligned") for target in run.targets}
    curves = accuracy = None
    if any(stage.metrics for stage in aligned.values()):
        label = "Share of episodes at the target by training episodes"
        curves = to_svg(alignment_curves(run), "alignment", label)
    if any(result.accuracy is not None for result in run.reward_models.values()):
        label = "Reward-model accuracy by number of comparisons"
        accuracy = to_svg(reward_accuracy(run), "reward-accuracy", label)
    colors = target_colors(run.targets)
    lines = [(target, colors[target], stage.metrics) for target, stage in aligned.items()]
    titles = {"reward": "Reward", "kl": "KL to the reference", "entropy": "Entropy"}
    drawn = {metric: curve(lines, metric, title) for metric, title in titles.items()}
    return {
        "curves": curves,
        "accuracy": accuracy,
        "panels": [
            to_svg(figure, f"align-{metric}", f"{titles[metric]} during alignment")
            for metric, figure in drawn.items()
            if figure
        ],
        "missing": ["alignment curves"] * (curves is None) + ["reward-model accuracy"] * (accuracy is None),
    }


def labels(run: Run) -> dict[str, Any]:
    """Who answered the comparisons, if people did, and how far they can be trusted."""
    shown = []
    for target, result in run.reward_models.items():
        if result.labels is not None:
            metrics = result.labels["metrics"]
            shares = [(title, metrics["trust"].get(key)) for key, title in TRUST.items()]
            shown.append((target, result.labels.get("config", {}).get("question", ""), metrics, shares))
    return {"shown": shown}


def learning(run: Run) -> dict[str, Any]:
    """Learning curves of every training stage."""
    base = [("base", STAGE_COLORS["base"], run.stage("base").metrics)]
    finetuned = [("fine-tuned", STAGE_COLORS["finetuned"], run.stage("finetuned").metrics)]
    colors = target_colors(run.targets)
    reward = [(t, colors[t], result.metrics) for t, result in run.reward_models.items()]
    preferred = [(t, colors[t], run.stage(f"{t}_preference_finetuned").metrics) for t in run.targets]
    drawn = {
        title: curve(lines, metric, title)
        for title, lines, metric in (
            ("Pre-training: loss", base, "loss"),
            ("Fine-tuning: loss", finetuned, "loss"),
            ("Reward models: loss", reward, "loss"),
            ("Reward models: accuracy", reward, "accuracy"),
            ("Preference fine-tuning: loss", preferred, "loss"),
        )
    }
    return {
        "panels": [
            to_svg(figure, f"learning-{index}", title) for index, (title, figure) in enumerate(drawn.items()) if figure
        ],
        "missing": [title for title, figure in drawn.items() if figure is None],
    }


def reproduction(run: Run) -> dict[str, Any]:
    """Command, timings, versions, configuration."""
    manifests = {stage.title: stage.manifest for stage in run.stages}
    manifests |= {f"Reward model {target}": result.manifest for target, result in run.reward_models.items()}
    configurations, versions = {}, {}
    for title, manifest in manifests.items():
        if manifest is not None:
            kept = {key: manifest[key] for key in ("seed", "config", "metrics", "seconds", "inputs") if key in manifest}
            configurations[title] = json.dumps(kept, indent=2)
            versions |= manifest.get("versions", {})
    longest = max((value for name, value in run.seconds.items() if name != "total"), default=1.0) or 1.0
    return {
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "times": [
            (name, duration(value), None if name == "total" else value / longest) for name, value in run.seconds.items()
        ],
        "configurations": configurations,
        "missing": [f"configuration of {title}" for title, manifest in manifests.items() if manifest is None],
    }


SECTIONS = (head, paths, outcomes, levels, videos, labels, alignment, learning, reproduction)
"""In the order of the page; each function has the name of its value in the template."""
