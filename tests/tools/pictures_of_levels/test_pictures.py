"""The pictures of docs/islands.md show what the page says that they show."""

import numpy as np

from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.world.state import FLIGHT_LEFT, ISLAND
from tools.pictures_of_levels.film import LEVEL, SETTINGS, SHOWN, frames, play
from tools.pictures_of_levels.sheets import state_on


def test_the_film_shows_a_whole_flight_from_one_island_to_the_next():
    episode = play()
    shown = episode.states[SHOWN]
    flying = shown[:, FLIGHT_LEFT] > 0
    assert not flying[0] and not flying[-1] and 20 <= flying.sum() <= 24
    assert shown[0, ISLAND] == 0 and shown[-1, ISLAND] == 1
    first = next(frames(episode, make_level(LEVEL, SETTINGS)))
    assert first.shape == (360, 600, 3) and first.std() > 20


def test_riders_on_a_sheet_stand_further_ahead_from_place_to_place():
    for number in range(24):
        level = make_level(number, LevelSettings("hard"))
        ahead = [state_on(level, place)[1] for place in range(4)]
        assert (np.diff(ahead) > 0).all(), number
