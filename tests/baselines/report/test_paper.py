"""The paper's numbers."""

import pytest

from baselines.report.paper import OUTCOMES, paper_shares, paper_success


def test_the_papers_numbers_are_shares():
    for agent, percent in OUTCOMES.items():
        assert sum(percent) == pytest.approx(100, abs=0.5), agent


def test_agents_that_the_paper_has_no_numbers_of_have_none():
    assert paper_shares("aligned", "middle") is None and paper_shares("rollouts") is None
    wanted = {"none": 0.004, "left": 0.987, "middle": 0.009, "right": 0.0}
    assert paper_shares("aligned", "left") == pytest.approx(wanted)
    assert paper_success("right") == pytest.approx(0.998)
