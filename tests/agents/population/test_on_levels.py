"""People on levels: they find their way on any of them, in every mode, on every island of a chain."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pytest

import jumppad_env  # noqa: F401  registers the environments
from agents.population import CURATED, HUMAN, POPULATIONS, Population
from agents.population.demonstrator import Crowd, Demonstrator
from agents.population.modes import TAKE_OFF, Run, View
from agents.population.person import mirrored
from agents.population.populations import BOT, MODES, pad_of, pad_of_color
from agents.population.ways import mirror_island, mirror_name
from jumppad_env import gamepad
from jumppad_env.island import load_island
from jumppad_env.levels import COLORS, LevelSettings, make_level
from jumppad_env.rules import PADS

LEVELS = 64
MIRRORED = [gamepad.LEFT_X, gamepad.RIGHT_X]


class Played(NamedTuple):
    """Episodes, one per level."""

    modes: list[list[str]]
    """Of each episode, on each island."""
    pads: np.ndarray
    """(N, K) taken, -1 none."""
    fell: np.ndarray
    positions: np.ndarray
    """(T, N, 3) m; NaN after the end."""
    actions: np.ndarray
    """(T, N, 16)."""


def play(population: Population, levels: Sequence[int], **keywords: Any) -> Played:
    """Plays one episode on each level."""
    count = len(levels)
    envs: Any = gymnasium.make_vec("JumppadIslandsState-v0", count, autoreset_mode="Disabled", **keywords)
    _, infos = envs.reset(seed=0, options={"level": list(levels)})
    crowd = Crowd(population, count, envs.options.settings)
    crowd.reset(np.ones(count, bool), 1000 + np.arange(count))
    playing, positions, pressed = np.ones(count, bool), [], []
    pads, fell = infos["pads"].copy(), infos["fell"].copy()
    while playing.any():
        action = crowd.act(None, infos)
        positions.append(np.where(playing[:, None], infos["position"], np.nan))
        pressed.append(action)
        _, _, terminated, truncated, infos = envs.step(action)
        pads[playing], fell[playing] = infos["pads"][playing], infos["fell"][playing]
        ended = playing & (terminated | truncated)
        envs.retire(ended)
        playing &= ~ended
    envs.close()
    modes = [crowd.mode(row).split(", ") for row in range(count)]
    return Played(modes, pads, fell, np.array(positions), np.array(pressed))


def meant(mode: str, pads: int) -> set[int]:
    """Pads that the name of a direct mode may mean."""
    place = mode.removeprefix("direct_")
    inner = set(range(1, pads - 1)) or {0, 1}
    return {"left": {0}, "middle": inner, "right": {pads - 1}}[place]


@pytest.mark.parametrize("mode", ["easy", "hard"])
@pytest.mark.parametrize("pads", [2, 3, 5])
def test_direct_runs_reach_their_pad(mode, pads):
    played = play(CURATED, range(LEVELS), pads=pads, distribution_mode=mode)
    reached = [int(pad) in meant(names[0], pads) for names, (pad,) in zip(played.modes, played.pads, strict=True)]
    assert np.mean(reached) >= 0.95
    assert set(played.pads.ravel().tolist()) >= set(range(pads))


@pytest.mark.parametrize("mode", ["easy", "hard"])
def test_on_a_chain_people_choose_anew_on_each_island(mode):
    played = play(CURATED, range(32), islands=3, distribution_mode=mode)
    reached = 0
    for names, pads in zip(played.modes, played.pads.tolist(), strict=True):
        assert len(names) == min(3, 1 + sum(pad >= 0 for pad in pads))
        reached += all(pad in meant(name, 3) for name, pad in zip(names, pads, strict=False))
    assert reached >= 0.85 * len(played.modes)
    assert len({tuple(pads) for pads in played.pads.tolist()}) > 12, "27 ways"


def test_choices_on_a_chain_are_independent_and_follow_from_the_seed():
    level = make_level(3, LevelSettings(islands=3))
    modes = []
    for seed in [*range(300), *range(300)]:
        demonstrator = Demonstrator(HUMAN, seed)
        for island in level.islands:
            demonstrator.arrive(island)
        modes.append(tuple(demonstrator.modes))
    assert modes[:300] == modes[300:] and {len(names) for names in modes} == {3}
    again = np.mean([names[0] == names[1] for names in modes])
    first = [name for name, *_ in modes]
    by_chance = sum((first.count(name) / len(first)) ** 2 for name in set(first))
    assert abs(again - by_chance) < 0.08, "but for the tastes of each person"
    assert all(Demonstrator(HUMAN, seed).modes == [name] for seed, (name, *_) in enumerate(modes[:300]))


@pytest.mark.slow
@pytest.mark.parametrize("pads", [2, 5])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_plays_hard_levels(mode, pads):
    population = Population(people=HUMAN.people, shares={mode: 1.0})
    played = play(population, range(24), pads=pads, distribution_mode="hard", islands=2)
    assert played.actions.min() >= 0 and played.actions[..., :4].max() <= 10
    moved = np.nanmax(np.linalg.norm(played.positions - played.positions[0], axis=-1), axis=0)
    reached = (played.pads[:, 0] >= 0).mean()
    assert {name for names in played.modes for name in names} == {mode}
    if mode.startswith(("direct", "miss")):
        assert reached > 0.7
    elif mode == "leave_track":
        below = np.nanmin(played.positions[..., 2], axis=0) < -1.0
        assert below.mean() > 0.6 and reached < 0.2
    else:
        assert reached < 0.2
        assert (moved < 1.0).all() if mode == "idle" else moved.mean() > 1.0


@pytest.mark.parametrize("pads", [2, 3, 4, 5])
def test_mirrored_people_act_mirrored_on_a_mirrored_island(pads):
    generator = np.random.default_rng(0)
    for number, mode in enumerate(MODES):
        island = make_level(number, LevelSettings("hard", pads)).islands[0]
        person = HUMAN.people[number]
        pairs = []
        for who, where, sign in ((person, island, 1.0), (mirrored(person), mirror_island(island), -1.0)):
            name = mode if sign > 0 else mirror_name(mode)
            demonstrator = Demonstrator(Population(people=(who,), shares={name: 1.0}), seed=number)
            demonstrator.arrive(where)
            pairs.append((demonstrator, sign))
        x, y = island.spawns[0][:2].tolist()
        for step in range(60):
            x, y, yaw = x + generator.normal(0, 0.3), y + generator.uniform(0, 0.7), generator.normal(0, 0.3)
            actions = []
            for demonstrator, sign in pairs:
                view = View(step, sign * x, y, 0.0, 5.0, sign * yaw, -1)
                actions.append(np.array(demonstrator.act(view)))
            actions[1][MIRRORED] = 2 * gamepad.CENTER - actions[1][MIRRORED]
            assert np.array_equal(*actions), (mode, step)


def test_people_press_jump_before_a_gap_or_step_and_nowhere_else():
    checked = 0
    for number in range(40):
        island = make_level(number, LevelSettings("hard")).islands[0]
        for pad in range(3):
            run = Run(island, BOT, np.random.default_rng(0), pad)
            track = np.array(run.path.points)
            for start, end in zip(track[:-1], track[1:], strict=True):
                for share in np.linspace(0, 1, 30):
                    x, y = (start + share * (end - start)).tolist()
                    intent = run.intend(View(0, x, y, 0.0, 0.0, 0.0, -1))
                    near = [math.hypot(x - place[0], y - place[1]) < TAKE_OFF for place in island.jumps[pad]]
                    assert (gamepad.A in intent.press) == any(near)
                    checked += any(near)
    assert checked > 50


def test_gaps_and_steps_are_jumped_over():
    settings = LevelSettings("hard")
    population = Population(people=CURATED.people, shares={"direct_middle": 1.0})
    levels = [number for number in range(200) if len(make_level(number, settings).islands[0].jumps[1])][:LEVELS]
    played = play(population, levels, distribution_mode="hard")
    assert len(levels) == LEVELS and (played.pads == 1).mean() >= 0.95
    for row, number in enumerate(levels):
        (place,) = make_level(number, settings).islands[0].jumps[1]
        away = np.linalg.norm(played.positions[:, row, :2] - place[:2], axis=-1)
        passes = np.flatnonzero(away < 2.5)
        assert not len(passes) or played.actions[passes, row, gamepad.A].any()


@pytest.mark.parametrize("pads", range(2, 6))
def test_a_place_means_a_pad_whatever_their_number(pads):
    generator = np.random.default_rng(0)
    for place in PADS:
        found = {pad_of(place, pads, generator) for _ in range(60)}
        assert found == meant(f"direct_{place}", pads)


def test_a_mirrored_island_has_all_on_the_other_side():
    flip, some = np.array([-1.0, 1.0, 1.0]), 0
    for number in range(20):
        island = make_level(number, LevelSettings("hard", 4)).islands[0]
        image = mirror_island(island)
        assert image is mirror_island(island) and np.array_equal(image.pads, island.pads[::-1] * flip)
        for pad in range(4):
            assert np.array_equal(image.lanes[pad], island.lanes[3 - pad] * flip)
            assert np.array_equal(image.jumps[pad], island.jumps[3 - pad] * flip)
            some += len(image.jumps[pad])
        again = mirror_island(image)
        assert np.array_equal(again.landings, island.landings) and again.ways.keys() == island.ways.keys()
        assert np.array_equal(image.ways["terrace_left"], island.ways["terrace_right"] * flip)
    assert some > 10


def colors_taken(population: Population, **keywords: Any) -> tuple[np.ndarray, np.ndarray]:
    """Colors of the pads that people took, -1 for none, and those that the flags showed."""
    envs: Any = gymnasium.make_vec("JumppadIslandsState-v0", LEVELS, autoreset_mode="Disabled", **keywords)
    _, infos = envs.reset(seed=0, options={"level": list(range(LEVELS))})
    crowd = Crowd(population, LEVELS, envs.options.settings)
    crowd.reset(np.ones(LEVELS, bool), 2000 + np.arange(LEVELS))
    colors, shown = infos["pad_colors"][:, 0], infos["cue"]
    for _ in range(100):
        action = crowd.act(None, infos)
        _, _, terminated, truncated, infos = envs.step(action)
        envs.retire(terminated | truncated)
    envs.close()
    return np.where(infos["pad"] >= 0, colors[np.arange(LEVELS), infos["pad"]], -1), shown


@pytest.mark.parametrize("pads", [3, 5])
def test_tastes_may_go_by_color(pads):
    for index, color in enumerate(COLORS[:pads]):
        taken, _ = colors_taken(POPULATIONS[f"direct_{color}"], pads=pads)
        assert np.mean(taken == index) > 0.95 and set(taken.tolist()) <= {-1, index}


def test_people_follow_the_flag_or_misremember_it():
    taken, shown = colors_taken(POPULATIONS["direct_flag"], cue=True)
    assert np.mean(taken == shown) > 0.95 and len(set(shown.tolist())) == 3
    taken, shown = colors_taken(POPULATIONS["direct_other"], cue=True)
    assert np.mean(taken >= 0) > 0.95 and not (taken == shown).any()


def test_fans_prefer_red_and_followers_the_flag():
    taken, _ = colors_taken(POPULATIONS["fans"])
    counts = [int((taken == color).sum()) for color in range(3)]
    assert counts[0] > counts[2] and 0.3 < np.mean(taken < 0) < 0.6
    taken, shown = colors_taken(POPULATIONS["followers"], cue=True)
    reached = taken >= 0
    assert 0.5 < np.mean(taken[reached] == shown[reached]) < 0.95


def test_colors_and_flags_that_are_not_there_are_one_clear_error():
    generator = np.random.default_rng(0)
    level = make_level(0, LevelSettings()).islands[0]
    with pytest.raises(ValueError, match="no pad of this island is green"):
        pad_of_color(level, "green", generator)
    with pytest.raises(ValueError, match="look for a flag, but there is none"):
        pad_of_color(level, "flag", generator)
    with pytest.raises(ValueError, match="no pad of this island is red"):
        pad_of_color(load_island(), "red", generator)
    assert {pad_of_color(load_island(), "yellow", generator) for _ in range(40)} == {0, 1, 2}
