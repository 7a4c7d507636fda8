"""Populations: shares come out as in the table, and what is to the right of one is to the left of its mirror image."""

from pathlib import Path

import numpy as np
import pytest

from agents.motion import came_back, play
from agents.population import CURATED, HUMAN, MODES, POPULATIONS, WAYPOINT, Population
from agents.population.__main__ import tables
from agents.population.demonstrator import Crowd
from agents.population.person import mirrored
from agents.population.populations import LEVEL_MODES, SIDED, TILTS
from agents.rollout import make_envs
from jumppad_env.rules import PADS

MIRROR_IMAGE = Population(people=tuple(map(mirrored, HUMAN.people)), shares=HUMAN.shares)


@pytest.mark.parametrize(
    "shares", [{"direct_left": 0.5}, {"fly": 1.0}, {"direct_left": 1.5, "idle": -0.5}, {"idle": 1.0, "wander": 0.0}]
)
def test_a_population_must_be_a_table_of_shares(shares):
    with pytest.raises(ValueError, match="modes"):
        Population(people=HUMAN.people, shares=shares)


def test_a_population_needs_people():
    with pytest.raises(ValueError, match="at least one person"):
        Population(people=(), shares=HUMAN.shares)


def test_everybody_chooses_differently_and_the_shares_come_out():
    assert np.abs(HUMAN.chances.sum(axis=1) - 1).max() < 1e-9
    assert np.abs(HUMAN.chances.mean(axis=0) - list(HUMAN.shares.values())).max() < 1e-6
    assert len(np.unique(HUMAN.chances.round(6), axis=0)) == len(HUMAN.people)


@pytest.mark.parametrize(
    ("choice", "trait", "sign"),
    [
        ("wander", "boredom", 1),
        ("leave_track", "boldness", 1),
        ("lose_way", "skill", -1),
        ("direct_middle", "taste_middle", 1),
    ],
)
def test_traits_tilt_choices(choice, trait, sign):
    chances = HUMAN.chances[:, list(HUMAN.shares).index(choice)]
    assert sign * np.corrcoef(chances, [getattr(person, trait) for person in HUMAN.people])[0, 1] > 0.4


def test_the_tables_names_are_known():
    assert set(TILTS) <= set(MODES) | set(LEVEL_MODES) | set(SIDED)
    for pattern in SIDED.values():
        assert {pattern.format(side) for side in ("left", "right")} <= set(MODES)


def test_draws_follow_shares_and_habits():
    generator = np.random.default_rng(0)
    drawn = [HUMAN.draw(generator) for _ in range(6000)]
    modes = [mode for _, mode in drawn]
    share = {mode: modes.count(mode) / len(modes) for mode in MODES}
    assert abs(share["wander"] - HUMAN.shares["wander"]) < 0.015
    assert abs(share["direct_left"] + share["direct_right"] - HUMAN.shares["direct_side"]) < 0.015
    sided = [(person, mode.split("_")[1]) for person, mode in drawn if mode.endswith(("left", "right"))]
    assert np.mean([person.first_side == side for person, side in sided]) == pytest.approx(
        np.mean([person.habit for person, _ in sided]), abs=0.04
    )


def test_curated_people_have_nothing_else_on_their_mind():
    assert set(CURATED.shares) == {f"direct_{pad}" for pad in PADS}
    assert all(p.boredom == 0 and p.glance == 0 and p.skill >= 0.9 for p in CURATED.people)
    assert [p.first_side for p in CURATED.people] == [p.first_side for p in HUMAN.people], "they are the same people"


def test_the_bot_has_neither_delay_nor_noise():
    (bot,) = WAYPOINT.people
    assert bot.reaction == bot.start == bot.tremor == bot.drift == bot.fidget == bot.lateral == 0


def test_every_mode_is_a_population_of_the_same_people():
    assert all(POPULATIONS[mode].people is HUMAN.people and POPULATIONS[mode].shares == {mode: 1.0} for mode in MODES)


def outcomes(population: Population, spawn: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (steps, count, 2) and pads (count,) of episodes that all begin at one spawn point."""
    envs, crowd = make_envs(count, None), Crowd(population, count)
    _, infos = envs.reset(seed=0, options={"spawn": spawn})
    crowd.reset(np.ones(count, dtype=np.bool_), np.arange(count))
    path = []
    for _ in range(100):
        path.append(infos["position"][:, :2])
        _, _, terminated, truncated, infos = envs.step(crowd.act(None, infos))
        envs.unwrapped.retire(terminated | truncated)
    envs.close()
    return np.array(path), infos["pad"]


def test_mirrored_people_have_mirrored_outcomes():
    """The island is its own mirror image but for the outer pads' last 0.3 m, so the paths are too, and their ends."""
    swap = {-1: -1, 0: 2, 1: 1, 2: 0}
    same, total = 0, 0
    sides = np.zeros(2)
    for spawn in (0, 3):
        path, pads = outcomes(HUMAN, spawn, 80)
        image, image_pads = outcomes(MIRROR_IMAGE, {0: 1, 3: 2}[spawn], 80)
        apart = np.abs(path[:25] * [-1, 1] - image[:25]).max(axis=(0, 2))
        assert np.mean(apart < 0.02) > 0.95
        same += sum(swap[int(pad)] == other for pad, other in zip(pads, image_pads, strict=True))
        total += len(pads)
        sides += [(pads == 0).sum() - (pads == 2).sum(), (image_pads == 0).sum() - (image_pads == 2).sum()]
    assert same >= 0.97 * total, f"{same} of {total}"
    assert sides[0] > 0 > sides[1], "people prefer the left, and their mirror images the right"


def test_the_page_shows_the_tables():
    page = (Path(__file__).parents[3] / "docs" / "demonstrations.md").read_text()
    assert tables() in page, "docs/demonstrations.md shows other tables than python -m agents.population"


@pytest.mark.slow
def test_human_outcomes_match_the_papers_base_agent():
    trajectories = play("human", 2000, seed=11)
    pads = np.array([trajectory.pad for trajectory in trajectories])
    for pad, percent in zip((-1, 0, 1, 2), (43.6, 11.8, 37.0, 7.6), strict=True):
        # Three standard errors of 2,000 episodes, and half a point that the population may be off.
        bound = 0.5 + 300 * (percent / 100 * (1 - percent / 100) / len(pads)) ** 0.5
        assert abs(100 * np.mean(pads == pad) - percent) < bound
    assert np.mean([came_back(trajectory) for trajectory in trajectories]) > 0.08
