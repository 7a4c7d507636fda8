"""Predicts how fast many machines collect and align, from what one machine measures: an extrapolation, no measurement.

    python -m tools.throughput
    python -m tools.throughput --cores 16 --gigabits 10 --nodes 1 2 8 64 512
    python -m tools.throughput --json >here.json && python -m tools.throughput --parameters here.json

N nodes have C cores each. Every core runs a worker of one thread; the first node also has the driver, which hands out
tasks and receives what they make. All C cores of a node do the work of c = C e single ones, where the efficiency e is
that of the vector environment's threads here (c = 1 for one core). Work comes in phases, one after the other. What
works side by side in a phase lasts as long as its slowest part. Seconds of E episodes of T decisions by `--cluster`:

    collect       start (once: workers stay), then two phases, each max(cores, wire, driver):
                  playing                             drawing
        tasks     E / B, blocks of B episodes         E T / F, chunks of F frames, both rounded up
        driver    E (receive + write), the states     E (receive + store), the frames; counted one after the other
        cores     E play + driver                     E T draw + driver; each + tasks task, over N c busy
                  busy: the share of the N C workers with a task, as many turns of N C as the tasks need
        wire      E state bytes                       E frame bytes; each (N - 1) / N / bandwidth: the driver's own
                                                      node needs no wire
    rollouts      the same, after N - 1 copies of the weights / bandwidth, with the B rows of a block in place of play:
                  longest (environment + act row + act / B) - (longest - T) draw, since a row whose episode has ended
                  is still stepped until the longest ends, but not drawn
    an update of  if workers played it: N - 1 copies of the weights / bandwidth, then the longest episode's steps of
    A episodes    ceil(A / (N C)) rows, then A episodes with frames: wire, receive, and A T learn / min(c, parts of a
                  batch)

Not in it: congestion, slow nodes, failures, a file system that is slower than this disk, an engine's scheduler (Ray's
cost of a task goes into `task`), reading and sending the states that are drawn, and the optimizer's step.
"""

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import tyro

from baselines.presets import PresetName
from jumppad_env.files.reading import read_json
from jumppad_env.files.shapes import Duration, Positive, Range
from jumppad_env.machine.cores import count_cores
from tools.throughput.measuring import measure

SHOWN = ("collect", "rollouts", "align")
LEGEND = """\
cores: more of them would help. parts: workers are idle, since there are fewer blocks, chunks, or episodes of an update,
than workers. wire: the link of the driver's node. driver: what one process or node does: receive, write, learn. start:
starting the workers."""


@dataclass(frozen=True)
class Parameters:
    """What is measured; times are seconds of one core, sizes bytes."""

    episodes: Positive
    """E, to collect or roll out."""
    update_episodes: Positive
    """A, episodes of an update of alignment."""
    block: Positive
    """B, episodes of a task that plays; an agent plays them all at a time."""
    chunk: Positive
    """F, frames of a task that draws."""
    bandwidth: Annotated[float, Range(1, 1e18)]
    """Bytes per second into and out of the driver's node."""
    steps: Annotated[float, Range(1, 1e9)]
    """T, mean length of an episode, in decisions."""
    longest: Positive
    """Decisions of the longest episode of a block."""
    efficiency: Annotated[float, Range(1e-3, 1)]
    """What a core of a busy node does, relative to one alone."""
    start_seconds: Duration
    """From the start of a worker to its first episode's end."""
    task_seconds: Duration
    """Handing a task to a process and its result back, without work."""
    play_seconds: Duration
    """An episode of a demonstrator, states only."""
    environment_seconds: Duration
    """A decision of the environment, with its frame."""
    act_seconds: Duration
    """A step of the network, whatever the number of rows."""
    act_row_seconds: Duration
    """... and what each row adds to it."""
    state_bytes: Duration
    """A pickled episode without frames."""
    frame_bytes: Duration
    """The pickled frames of an episode."""
    receive_state_seconds: Duration
    """Unpickling an episode without frames."""
    receive_frame_seconds: Duration
    """Unpickling the frames of an episode."""
    write_seconds: Duration
    """Writing an episode without frames."""
    store_seconds: Duration
    """Writing and hashing the frames of an episode."""
    draw_seconds: Duration
    """Drawing a frame."""
    weight_bytes: Duration
    """The policy's weights."""
    learn_seconds: Duration
    """A step of an episode through policy, reference and reward model, and back through the policy."""
    learn_parts: Positive
    """Parts of a batch, each a job of one thread."""


class Saved(TypedDict):
    """What `--json` prints."""

    parameters: Parameters
    predictions: list[dict[str, Any]]


@dataclass(frozen=True)
class Prediction:
    """How long some episodes take."""

    episodes: int
    phases: tuple[dict[str, float], ...]
    """One after the other: seconds that each resource works in it, side by side."""

    @property
    def seconds(self) -> float:
        """Of all phases."""
        return sum(max(phase.values()) for phase in self.phases)

    @property
    def per_second(self) -> float:
        """Episodes per second."""
        return self.episodes / self.seconds

    @property
    def limit(self) -> str:
        """The resource that the others wait for, most of the time."""
        waited: dict[str, float] = {}
        for phase in self.phases:
            seconds, slowest = max((seconds, name) for name, seconds in phase.items())
            waited[slowest] = waited.get(slowest, 0.0) + seconds
        return max(waited, key=lambda name: waited[name])


def predict(parameters: Parameters, nodes: int, cores: int) -> dict[str, Prediction]:
    """Returns what is to be expected of nodes with some cores each, by kind of work; see the formulas above.

    Raises:
        ValueError: there are no nodes or no cores.
    """
    if min(nodes, cores) < 1:
        raise ValueError(f"nodes and cores must be at least 1, got {nodes} and {cores}")
    p = parameters
    power = cores * p.efficiency if cores > 1 else 1.0
    workers, away = nodes * cores, (nodes - 1) / nodes

    def phase(tasks: int, work: float, size: float, driver: float) -> dict[str, float]:
        """Returns the seconds of tasks that work, and bring so many bytes to the driver, per episode."""
        busy = tasks / (workers * math.ceil(tasks / workers))
        working = (p.episodes * (work + driver) + tasks * p.task_seconds) / (nodes * power * busy)
        return {
            "parts" if workers > tasks else "cores": working,
            "wire": p.episodes * size * away / p.bandwidth,
            "driver": p.episodes * driver,
        }

    def play(work: float) -> dict[str, float]:
        return phase(math.ceil(p.episodes / p.block), work, p.state_bytes, p.receive_state_seconds + p.write_seconds)

    chunks = math.ceil(p.episodes * p.steps / p.chunk)
    store = p.receive_frame_seconds + p.store_seconds
    draw = phase(chunks, p.steps * p.draw_seconds, p.frame_bytes, store)
    start = {"start": p.start_seconds}
    weights = {"wire": (nodes - 1) * p.weight_bytes / p.bandwidth}
    stepped = p.longest * (p.environment_seconds + p.act_row_seconds + p.act_seconds / p.block)
    agent = play(stepped - (p.longest - p.steps) * p.draw_seconds)

    rows = math.ceil(p.update_episodes / workers)
    update = p.longest * (p.act_seconds + rows * (p.act_row_seconds + p.environment_seconds)) * cores / power
    align = (
        weights,
        {"parts" if workers > p.update_episodes else "cores": p.task_seconds + update},
        {"wire": p.update_episodes * (p.state_bytes + p.frame_bytes) * away / p.bandwidth},
        {"driver": p.update_episodes * (p.receive_state_seconds + p.receive_frame_seconds)},
        {"driver": p.update_episodes * p.steps * p.learn_seconds / min(power, p.learn_parts)},
    )
    return {
        "collect": Prediction(p.episodes, (start, play(p.play_seconds), draw)),
        "rollouts": Prediction(p.episodes, (start, weights, agent, draw)),
        "align": Prediction(p.update_episodes, align),
    }


def table(parameters: Parameters, nodes: Sequence[int], cores: int) -> str:
    """Returns parameters and predictions as text."""
    lines = [f"{name:<24}{value:>16,.6g}" for name, value in dataclasses.asdict(parameters).items()]
    lines += ["", f"extrapolated, not measured: episodes/s of nodes of {cores} cores, and what limits them"]
    lines.append(f"{'nodes':>5}" + "".join(name.rjust(24) for name in SHOWN))
    for count in nodes:
        predictions = predict(parameters, count, cores)
        words = [f"{predictions[name].per_second:,.1f} {predictions[name].limit:<6}" for name in SHOWN]
        lines.append(f"{count:>5}" + "".join(word.rjust(24) for word in words))
    return "\n".join([*lines, "", LEGEND])


def entries(parameters: Parameters, nodes: Sequence[int], cores: int) -> Saved:
    """Returns parameters and predictions as `--json` prints them."""
    predictions = [
        {"nodes": count, "cores": cores, "work": name, **dataclasses.asdict(made)}
        | {"seconds": made.seconds, "episodes_per_second": made.per_second, "limit": made.limit}
        for count in nodes
        for name, made in predict(parameters, count, cores).items()
    ]
    return {"parameters": dataclasses.asdict(parameters), "predictions": predictions}  # pyright: ignore[reportReturnType]


def main(
    preset: PresetName = "quick",
    nodes: tuple[int, ...] = (1, 2, 8, 64, 512),
    cores: int | None = None,
    episodes: int = 100_000,
    gigabits: float = 10.0,
    parameters: Path | None = None,
    seconds: float = 10.0,
    seed: int = 0,
    as_json: Annotated[bool, tyro.conf.arg(name="json")] = False,
) -> None:
    """Predict episodes per second of many machines from what this one measures.

    Args:
        preset: Whose network and image size are measured.
        nodes: Numbers of nodes.
        cores: Of each node; by default those of this machine.
        episodes: To collect or roll out.
        gigabits: Per second of the link into the driver's node.
        parameters: Output of an earlier `--json`, to be used instead of measuring.
        seconds: To measure the environment for; the rest takes about a minute.
        seed: Of episodes and weights.
        as_json: Print a JSON object instead of the table.

    Raises:
        ValueError: A number out of range, or a file that holds no parameters.
    """
    cores = count_cores() if cores is None else cores
    if min(*nodes, cores, episodes) < 1:
        raise ValueError(f"--nodes, --cores and --episodes must be at least 1, got {nodes}, {cores} and {episodes}")
    for name, value in (("gigabits", gigabits), ("seconds", seconds)):
        if not 0 < value < float("inf"):
            raise ValueError(f"--{name} must be a positive number, got {value}")
    bandwidth = gigabits * 1e9 / 8
    if parameters is None:
        found = measure(preset, seconds, seed)
    else:
        found = read_json(parameters, "make it anew by --json", Saved)["parameters"]
    used = Parameters(**{**found, "episodes": episodes, "bandwidth": bandwidth})
    print(json.dumps(entries(used, nodes, cores)) if as_json else table(used, nodes, cores))
