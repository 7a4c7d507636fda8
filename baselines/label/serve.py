r"""Serves the page on which people answer which of two episodes is better.

    python -m baselines.label runs/quick/rollouts --out runs/labels --question "Which run goes to the left pad?"
    python -m baselines.pipeline quick --out runs/quick --targets left --labels runs/labels  # from answers to the agent

It prints an address to open. Answers are kept at once; the same command goes on. docs/labeling.md shows the page.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from agents.dataset import Dataset
from agents.targets import Target
from baselines import artifact
from baselines.preferences.labels import label
from baselines.preferences.people.pairs import Asking, Questions
from baselines.preferences.people.store import FILE, AnswerStore, read_answers
from jumppad_env.dataset.reading import read_manifest
from jumppad_env.files import content_digest, sole_owner

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  asked for
"""Addresses that mean all of this machine."""
MISSING = 'the page needs two more packages: pip install -c constraints.txt -e ".[label]" (make setup has done it)'


@dataclass(frozen=True)
class LabelConfig:
    """Serve a page on which people say which of two episodes is better."""

    rollouts: tyro.conf.Positional[Path]
    """Dataset of the episodes, such as runs/quick/rollouts."""
    out: Path
    """Directory of the answers; existing ones are gone on with."""
    question: str = "Which run is better?"
    """What people are asked."""
    goal: int = 100
    """Number of answers that the page counts down from; more are welcome."""
    asking: tyro.conf.OmitArgPrefixes[Asking] = field(default_factory=Asking)
    """What is asked."""
    known: str | None = None
    """Target that the question means, such as left, if it means one: pairs whose answer it tells are mixed in, and the
    page shows how often people agree with it."""
    agent: Path | None = None
    """Policy whose network a reward model in the background starts from, and which sees where models disagree. By
    default the fine-tuned agent beside the rollouts, if it is there."""
    merge: tuple[Path, ...] = ()
    """Directories of other people's answers to the same question, which are taken in first."""
    seed: int = 0
    """Seed of the pairs."""
    host: str = LOOPBACK
    """Address to serve on. On another than this machine's own, put a server with TLS in front: the token is all that
    keeps others out, and it goes over the wire."""
    port: int = 0
    """Port to serve on; 0 for a free one."""
    names: tuple[str, ...] = ()
    """Further names by which browsers may call the page, as in their address bar, such as labels.example.org or
    labels.example.org:8443: those of a server with TLS in front."""


def serve(config: LabelConfig) -> None:
    """Serves the page until it is interrupted.

    Raises:
        FileNotFoundError: there are no such episodes, or answers to merge.
        ValueError: answers to something else, an unknown target, or another server on the same answers.
        OSError: the port is taken.
    """
    try:
        import uvicorn  # noqa: PLC0415  an extra

        from baselines.preferences.people.guard import Guard  # noqa: PLC0415
        from baselines.preferences.people.judge import BackgroundReward  # noqa: PLC0415
        from baselines.preferences.people.pictures import Pictures  # noqa: PLC0415
        from baselines.preferences.people.server import Labeling, make_app  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(f"{MISSING}: {error}") from None
    dataset = Dataset(config.rollouts)
    agent = config.agent or agent_of(config.rollouts)
    truth = None if config.known is None else truth_of(dataset, config.known)
    with ExitStack() as stack:
        if config.out.is_dir() and any(config.out.iterdir()) and not (config.out / FILE).is_file():
            raise ValueError(f"{config.out} holds something else than answers; choose another --out")
        config.out.mkdir(parents=True, exist_ok=True)
        try:
            stack.enter_context(sole_owner(config.out))
        except ValueError:
            raise ValueError(
                f"another baselines.label serves {config.out}; open its address, or end it first"
            ) from None
        store = stack.enter_context(closing(open_answers(config, dataset)))
        for other in config.merge:
            print(f"{other}: {merge(store, other)} answers taken in")
        questions = Questions(store, config.asking, len(dataset), config.seed, truth)
        pictures = stack.enter_context(closing(Pictures(dataset)))
        listener = stack.enter_context(closing(listen(config.host, config.port)))
        port = listener.getsockname()[1]
        reward = None
        if agent is not None:
            reward = stack.enter_context(closing(BackgroundReward(store, config.rollouts, agent, config.out)))
        watch = Watch(questions, dataset, agent, reward, config.seed)
        labeling = Labeling(questions, pictures, about_of(config, dataset), truth, reward, watch.answered)
        token = secrets.token_urlsafe(24)
        guarded = Guard(make_app(labeling), hosts_of(config.host, port, config.names), token, port)
        server = uvicorn.Server(
            uvicorn.Config(guarded, log_level="warning", access_log=False, lifespan="off", server_header=False)
        )
        print(f"{config.question}\nopen http://{shown(config.host)}:{port}/?token={token}\nCtrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):  # as it is meant to end
            server.run(sockets=[listener])
        print(f"{store.count()} answers in {config.out}")


class Watch:
    """Has models learn from the answers while people go on.

    Args:
        questions: whose `judge` is set.
        dataset: the episodes.
        agent: whose network sees them; None: pairs stay random.
        reward: the reward model in the background, if there is one.
        seed: of the models.
    """

    def __init__(self, questions: Questions, dataset: Dataset, agent: Path | None, reward: Any, seed: int) -> None:
        self._questions, self._dataset, self._agent, self._reward, self._seed = questions, dataset, agent, reward, seed
        self._wake = threading.Event()
        if questions.asking.selection != "random":
            if agent is None:
                raise ValueError(
                    f"selection {questions.asking.selection} needs --agent, whose network sees the episodes"
                )
            threading.Thread(target=self._work, name="models", daemon=True).start()
            self._wake.set()

    def answered(self) -> None:
        """Says that there is another answer."""
        self._wake.set()
        if self._reward is not None:
            self._reward.answered()

    def _work(self) -> None:
        from baselines.preferences.people.judge import features_of, fit_ensemble  # noqa: PLC0415

        assert self._agent is not None
        features = features_of(self._agent, self._dataset)
        while True:
            self._wake.wait()
            self._wake.clear()
            self._questions.judge = fit_ensemble(features, self._questions.store.given(), self._seed)
            time.sleep(0.2)


def open_answers(config: LabelConfig, dataset: Dataset) -> AnswerStore:
    """Opens the answers, or begins them."""
    about = {"question": config.question, "rollouts": content_digest(dataset.manifest), "seed": config.seed}
    return AnswerStore(config.out, about)


def merge(store: AnswerStore, other: Path) -> int:
    """Takes in the answers of another directory; returns how many are new.

    Raises:
        ValueError: they are about something else.
    """
    about, given, undone = read_answers(other)
    for key in ("question", "rollouts", "seed"):
        if about.get(key) != store.about.get(key):
            raise ValueError(
                f"{other} has another {key} than {store.path.parent}: its answers are about something else"
            )
    return store.take_in(given, undone, time.time())


def about_of(config: LabelConfig, dataset: Dataset) -> dict[str, Any]:
    """Returns what the page tells people."""
    size = dataset.manifest["environment"].get("image_size")
    seen = "a list of numbers" if size is None else f"pictures of {size[1]}x{size[0]} pixels"
    told = {"question": config.question, "goal": config.goal, "seen": seen, "episodes": len(dataset)}
    return {**told, "rollouts": content_digest(dataset.manifest)[:16]}


def agent_of(rollouts: Path) -> Path | None:
    """Returns the fine-tuned agent beside rollouts, if it played them."""
    agent = rollouts.parent / "finetuned"
    if not artifact.is_finished(agent):
        return None
    played_by = read_manifest(rollouts).get("agent")
    return agent if played_by == content_digest(artifact.read_manifest(agent)) else None


def truth_of(dataset: Dataset, target: str) -> np.ndarray:
    """Returns 1 for the episodes that reach a target, else 0, (episodes,).

    Raises:
        ValueError: there is no such target in their world.
    """
    wanted = Target.parse(target)
    wanted.check(dataset.settings)
    return label(dataset, "pad", wanted)


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket on which a server may listen.

    Raises:
        OSError: it cannot.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()  # who opens the address at once waits, instead of being refused
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise OSError(
            f"cannot serve on {host}:{port} ({error.strerror or error}); choose another --host or --port"
        ) from None


def hosts_of(host: str, port: int, further: Sequence[str] = ()) -> set[str]:
    """Returns what browsers may call this server; `further` names as they are."""
    names = {LOOPBACK, "localhost", "[::1]"}
    if host in EVERYWHERE:
        name = socket.gethostname()
        names |= {name.lower(), socket.getfqdn().lower()}
        with suppress(OSError):
            names |= {shown(str(found[4][0])) for found in socket.getaddrinfo(name, None)}
    elif host != LOOPBACK:
        names |= {shown(host).lower()}
    own = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
    return own | {name.lower() for name in further}


def shown(host: str) -> str:
    """Returns an address as it stands in a URL."""
    if host in EVERYWHERE:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
