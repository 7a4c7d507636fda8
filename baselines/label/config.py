"""What the page asks, about which episodes, and where it is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tyro

from baselines.preferences.people.pairs import Asking
from baselines.preferences.people.rounds import RoundConfig

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class LabelConfig:
    """Serve a page on which people say which of two episodes is better."""

    out: Path
    """Directory of the answers; existing answers are continued."""
    rollouts: tyro.conf.Positional[Path | None] = None
    """Dataset of the episodes, such as runs/quick/rollouts. Without one, people are asked about fresh episodes of
    `--agent`, which is aligned to what they say, in rounds."""
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
    default the fine-tuned agent beside the rollouts, if it is there. Without rollouts: who plays, and is aligned."""
    round: RoundConfig = field(default_factory=RoundConfig)
    """What a round is, without rollouts."""
    merge: tuple[Path, ...] = ()
    """Directories of other people's answers to the same question, which are taken in first."""
    seed: int = 0
    """Seed of the pairs."""
    host: str = LOOPBACK
    """Address to serve on. On an address other than this machine's own, put a server with TLS in front: the token is
    all that keeps others out, and it goes over the wire."""
    port: int = 0
    """Port to serve on; 0 for a free one."""
    names: tuple[str, ...] = ()
    """Further names by which browsers may call the page, as in their address bar, such as labels.example.org or
    labels.example.org:8443: those of a server with TLS in front."""

    def __post_init__(self) -> None:
        if self.rollouts is not None:
            if self.round != RoundConfig():
                raise ValueError("--round.* is about rounds, in which an agent plays; leave it out, or the rollouts")
            return
        if self.agent is None:
            raise ValueError("give the episodes to compare, such as runs/quick/rollouts, or an --agent that plays")
        if self.merge:
            raise ValueError("--merge joins answers about the same episodes; those of rounds depend on the answers")
        if self.asking.selection != "random":
            raise ValueError(f"pairs of rounds are random, not chosen by {self.asking.selection}; give rollouts")
        if self.asking.held_out == 0:
            raise ValueError("rounds need held-out pairs for the accuracy of the reward model; give --held-out above 0")
