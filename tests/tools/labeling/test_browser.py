"""The scripted person, who must say what they want and not what is nearest."""

import re

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.store import read_answers
from tools.labeling.browser import CHROMIUM, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; make setup installs it where it may"),
]
pytest.importorskip("playwright.sync_api")


def test_a_scripted_person_answers_as_they_want(tmp_path):
    runs = tmp_path / "runs"
    collect(CollectConfig(episodes=24, population="curated", image_size=None), runs, workers=1)
    said = browser(runs, out=tmp_path / "labels", target="left", answers=6, every=0.0)
    assert re.search(r"6 answers in \d+ s; next pair after median \d\.\d\d s", said), said
    episodes = Episodes("left")
    episodes.add(Dataset(runs))
    assert episodes.truth is not None
    given = read_answers(tmp_path / "labels")[1]
    assert len(given) == 6 and len({one.answer for one in given}) > 1
    for one in given:
        gap = int(episodes.truth[one.first]) - int(episodes.truth[one.second])
        assert one.value == (0.5, 1.0, 0.0)[gap], one


def test_it_asks_for_one_of_two_things(tmp_path):
    with pytest.raises(ValueError, match="give either rollouts, or --agent"):
        browser(out=tmp_path)
