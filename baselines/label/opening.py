"""Opens what stands behind the page: answers, episodes, pictures, and what learns meanwhile."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from agents.dataset import Dataset
from agents.targets import Target
from baselines import artifact
from baselines.label.config import LabelConfig
from baselines.models.policy import Policy
from baselines.preferences.people.beside import Learner
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.judge import BackgroundReward, Ensemble
from baselines.preferences.people.pairs import Questions
from baselines.preferences.people.pictures import Pictures
from baselines.preferences.people.rounds import Rounds
from baselines.preferences.people.server import Labeling
from baselines.preferences.people.store import FILE, AnswerStore, read_answers
from jumppad_env.dataset.reading import read_manifest
from jumppad_env.files import content_digest, sole_owner


def open_page(config: LabelConfig, stack: ExitStack) -> Labeling:
    """Opens what the page asks of the server.

    Args:
        config: What is asked.
        stack: Closes all of it.

    Raises:
        FileNotFoundError: there are no such episodes, agent, or answers to merge.
        ValueError: answers to something else, an unknown target, or another server on the same answers.
    """
    if config.out.is_dir() and any(config.out.iterdir()) and not (config.out / FILE).is_file():
        raise ValueError(f"{config.out} holds something else than answers; choose another --out")
    return _open_online(config, stack) if config.rollouts is None else _open(config, stack)


def _open(config: LabelConfig, stack: ExitStack) -> Labeling:
    """Opens answers about episodes that are there."""
    assert config.rollouts is not None
    dataset, episodes = Dataset(config.rollouts), Episodes(config.known)
    episodes.add(dataset)
    agent = config.agent or agent_of(config.rollouts)
    store = _own(config, stack, dataset)
    pictures = stack.enter_context(closing(Pictures(episodes)))
    for other in config.merge:
        print(f"{other}: {merge(store, other)} answers taken in")
    questions = Questions(store, config.asking, len(dataset), config.seed, episodes.truth)
    chosen = config.asking.selection != "random"
    if chosen and agent is None:
        raise ValueError(f"selection {config.asking.selection} needs --agent, whose network sees the episodes")
    learners: list[Learner] = []
    if agent is not None:
        learners.append(BackgroundReward(store, config.rollouts, agent, config.out))
        learners += [Ensemble(questions, dataset, agent, config.seed)] if chosen else []
    for learner in learners:
        stack.enter_context(closing(learner)).start()
    return Labeling(questions, pictures, about_of(config, dataset), learners)


def _open_online(config: LabelConfig, stack: ExitStack) -> Labeling:
    """Opens answers about episodes that are played in rounds, the first ones at once."""
    assert config.agent is not None
    if config.known is not None:  # refused before anything is played
        Target.parse(config.known).check(Policy.from_pretrained(config.agent).world.settings)
    store = _own(config, stack)
    rounds = Rounds(store, config.agent, config.out, config.round, config.seed, config.known)
    stack.enter_context(closing(rounds))
    rounds.begin()
    pictures = stack.enter_context(closing(Pictures(rounds.episodes)))
    dataset = Dataset(rounds.rollouts)
    questions = Questions(store, config.asking, len(dataset), config.seed)
    rounds.follow(questions)
    about = about_of(config, dataset) | {"rollouts": store.about["nonce"]}  # of all rounds
    return Labeling(questions, pictures, about, (rounds,))


def _own(config: LabelConfig, stack: ExitStack, dataset: Dataset | None = None) -> AnswerStore:
    """Opens the answers for this server alone."""
    config.out.mkdir(parents=True, exist_ok=True)
    try:
        stack.enter_context(sole_owner(config.out))
    except ValueError:
        raise ValueError(f"another baselines.label serves {config.out}; open its address, or end it first") from None
    return stack.enter_context(closing(open_answers(config, dataset)))


def open_answers(config: LabelConfig, dataset: Dataset | None = None) -> AnswerStore:
    """Opens the answers about a dataset or, without one, about what the agent plays; or begins them."""
    about: dict[str, Any] = {"question": config.question, "seed": config.seed}
    if dataset is not None:
        about["rollouts"] = content_digest(dataset.manifest)
    elif config.agent is not None:
        about["agent"] = content_digest(artifact.load_manifest(config.agent, "policy"))
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
    told = {"question": config.question, "goal": config.goal, "seen": seen}
    return {**told, "rollouts": content_digest(dataset.manifest)[:16]}


def agent_of(rollouts: Path) -> Path | None:
    """Returns the fine-tuned agent beside rollouts, if it played them."""
    agent = rollouts.parent / "finetuned"
    if not artifact.is_finished(agent):
        return None
    played_by = read_manifest(rollouts).get("agent")
    return agent if played_by == content_digest(artifact.read_manifest(agent)) else None
