"""Draws docs/motion.png: how people move the stick, compared with a bot that runs between waypoints.

python -m tools.draw_motion
"""

from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agents.figures.island_map import draw_map
from agents.figures.style import INK, MUTED, STYLE
from agents.motion import STEP, X, Y, autocorrelation, play, played_steps, release, spectrum, sticks
from jumppad_env.dataset import Trajectory

ROOT = Path(__file__).parents[1]
EPISODES = 2000
LAGS = 15
PEOPLE, OTHER, BOT = "#2a78d6", "#eb6834", INK
"""Colors of people (and of one person), of a second person, and of the bot."""


def steering(trajectory: Trajectory) -> np.ndarray:
    """Returns the left stick's x deflection before a pad is touched."""
    return sticks(trajectory)[: played_steps(trajectory), 0]


def pairs_of_runs(runs: list[Trajectory]) -> list[list[Trajectory]]:
    """Returns two runs from the same spawn point for each person with at least two, in order of skill."""
    found: dict[tuple[float, int], list[Trajectory]] = defaultdict(list)
    for run in runs:
        if run.states[0, [X, Y]].round(1).tolist() == [2.4, -2.5]:
            found[run.skill, run.person].append(run)
    return [pair[:2] for _, pair in sorted(found.items()) if len(pair) >= 2]


def draw_tracks(axes: Axes, people: list[Trajectory], bots: list[Trajectory]) -> None:
    """Draws two runs of each of two people, and one of the bot."""
    draw_map(axes)
    pairs, ((bot, _),) = pairs_of_runs(people), pairs_of_runs(bots)
    chosen = (pairs[len(pairs) // 4], pairs[3 * len(pairs) // 4])
    for pair, color, who in zip(chosen, (OTHER, PEOPLE), ("clumsy", "skilled"), strict=True):
        for index, run in enumerate(pair):
            track = run.states[: played_steps(run)]
            axes.plot(
                track[:, X], track[:, Y], color=color, lw=1.3, label=None if index else f"a {who} person, two runs"
            )
    track = bot.states[: played_steps(bot)]
    axes.plot(track[:, X], track[:, Y], color=BOT, lw=1.3, ls="--", label="bot, any run")
    axes.set(title="Runs to the left pad", ylim=(-8, 54))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, -0.1), fontsize=8)


def draw_signals(plots: dict[str, Axes], people: list[Trajectory], bots: list[Trajectory]) -> None:
    """Draws the left stick over time, its autocorrelation and spectrum, and when it is released."""
    for trajectories, name, color, line in ((people, "people", PEOPLE, "-"), (bots, "bot", BOT, "--")):
        pairs = pairs_of_runs(trajectories)
        signal = steering(pairs[len(pairs) // 2][0])
        plots["trace"].plot(np.arange(len(signal)) * STEP, signal, color=color, ls=line, drawstyle="steps-post", lw=1.2)
        signals = [steering(trajectory) for trajectory in trajectories]
        lags = np.arange(LAGS + 1) * STEP
        plots["autocorrelation"].plot(lags, autocorrelation(signals, LAGS), color=color, ls=line, label=name)
        plots["spectrum"].semilogy(*spectrum(signals), color=color, ls=line, label=name)
    bins = (np.arange(10) - 0.5) * STEP
    times = [[release(trajectory) for trajectory in trajectories] for trajectories in (people, bots)]
    shares = [np.full(len(trajectories), 1 / len(trajectories)) for trajectories in (people, bots)]
    plots["release"].hist(times, bins=bins.tolist(), weights=shares, color=[PEOPLE, BOT])
    plots["trace"].set(title="Left stick, x", xlabel="s")
    plots["autocorrelation"].set(title="Its autocorrelation", xlabel="s later")
    plots["spectrum"].set(title="Its power per Hz", xlabel="Hz")
    plots["release"].set(title="Letting go after touching a pad", xlabel="s", ylabel="share of episodes")
    plots["autocorrelation"].legend()


def main() -> None:
    """Runs the episodes and draws the figure."""
    people = play("direct_left", EPISODES, seed=0)
    bots = [run for run in play("waypoint", EPISODES // 8, seed=0) if run.mode == "direct_left"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 5.6), layout="constrained")
        plots = figure.subplot_mosaic(
            [["tracks", "trace", "autocorrelation"], ["tracks", "release", "spectrum"]], width_ratios=[0.9, 1, 1]
        )
        draw_tracks(plots["tracks"], people, bots)
        draw_signals(plots, people, bots)
        for axes in plots.values():
            axes.tick_params(labelcolor=MUTED)
        figure.savefig(ROOT / "docs" / "motion.png", dpi=110, facecolor="white", transparent=False)


if __name__ == "__main__":
    main()
