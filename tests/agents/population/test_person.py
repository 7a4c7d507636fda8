"""Persons: lasting, drawn by number, within the bounds of the table."""

import dataclasses

import numpy as np
import pytest

from agents.population.person import DRAWN, Person, Trait, Traits, always, draw_person, mirrored
from jumppad_env.rules import CHARACTERS

PEOPLE = [draw_person(Traits(), number) for number in range(400)]


def test_a_number_is_a_person_for_ever():
    assert draw_person(Traits(), 17) == PEOPLE[17]
    assert len({dataclasses.replace(person, number=0) for person in PEOPLE}) == len(PEOPLE)
    with pytest.raises(ValueError, match="non-negative"):
        draw_person(Traits(), -1)


@pytest.mark.parametrize("name", DRAWN)
def test_traits_lie_within_the_tables_bounds_and_fill_them(name):
    trait = getattr(Traits(), name)
    places = []
    for person in PEOPLE:
        low, high = trait.at(person.skill, 0.0), trait.at(person.skill, 1.0)
        places.append((getattr(person, name) - low) / (high - low))
    assert 0 <= min(places) < 0.02 and 0.98 < max(places) <= 1
    assert abs(np.mean(places) - 0.5) < 0.06, "evenly"


def test_bounds_move_with_skill():
    trait = Trait(clumsy=(0.0, 1.0), expert=(2.0, 5.0))
    assert [trait.at(0.0, 0.0), trait.at(0.0, 1.0), trait.at(1.0, 0.0), trait.at(1.0, 1.0)] == [0.0, 1.0, 2.0, 5.0]
    assert trait.at(0.5, 0.5) == 2.0
    assert always(1.0, 3.0).at(0.3, 0.25) == always(1.0, 3.0).at(0.9, 0.25) == 1.5


def test_the_skilled_are_quicker_and_steadier():
    skills = [person.skill for person in PEOPLE]
    for name in ("reaction", "start", "tremor", "drift", "aim_deadband"):
        assert np.corrcoef(skills, [getattr(person, name) for person in PEOPLE])[0, 1] < -0.3, name


def test_sides_and_favorites_follow_the_table():
    assert abs(np.mean([person.first_side == "left" for person in PEOPLE]) - Traits().left_first) < 0.07
    shares = [np.mean([person.favorite == name for person in PEOPLE]) for name in CHARACTERS]
    assert np.abs(np.array(shares) - Traits().favorites).max() < 0.07
    assert all(person.first_side == "left" for person in (draw_person(Traits(left_first=1.0), n) for n in range(50)))


def test_a_mirror_image_differs_in_its_side_alone():
    for person in PEOPLE[:20]:
        image = mirrored(person)
        assert image.mirrored is not person.mirrored and mirrored(image) == person
        assert dataclasses.replace(image, first_side=person.first_side) == person


def test_the_first_side_is_a_habit():
    person = dataclasses.replace(PEOPLE[0], taste_first=3.0, taste_other=1.0)
    assert isinstance(person, Person) and person.habit == 0.75
    assert all(person.habit > 0.5 for person in PEOPLE)
