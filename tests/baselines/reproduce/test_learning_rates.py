"""The choice of learning rates: its rule, its figure, and that what figures use is what was chosen."""

import json
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from baselines.laboratory import pages
from baselines.laboratory.results import Result
from baselines.presets import PRESETS
from baselines.reproduce import learning_rates, outcomes, rates

PUBLISHED = Path(__file__).parents[3] / "docs" / "results" / "learning_rates.json"


def rows_of(what, successes, judged=500, on=("",)):
    """A row per rate and data set, of these successes by factor."""
    return [
        {"seed": 100, "what": what, "on": one, "learning_rate": 1e-3 * factor, "factor": factor}
        | {"success": success, "judged": judged}
        for one in on
        for factor, success in successes.items()
    ]


@pytest.mark.parametrize(
    ("successes", "factor"),
    [
        ({0.3: 0.2, 1.0: 0.9, 3.0: 0.5}, 1.0),
        ({0.3: 0.2, 1.0: 0.899, 3.0: 0.905}, 1.0),  # a standard error of 500 episodes at 90% is 1.3 points
        ({0.3: 0.2, 1.0: 0.87, 3.0: 0.905}, 3.0),
        ({0.3: 1.0, 1.0: 1.0, 3.0: 1.0}, 0.3),
        ({0.3: 0.99, 1.0: 0.998, 3.0: 1.0}, 1.0),  # nor is 100% of 500 episodes certain
    ],
)
def test_the_smallest_rate_within_a_standard_error_of_the_best_is_taken(successes, factor):
    assert learning_rates.choose(rows_of("head", successes)) == {"head": factor}


def test_data_sets_count_alike_and_more_episodes_make_a_finer_choice():
    rows = rows_of("agent", {1.0: 0.9, 3.0: 0.5}, on=["pad"]) + rows_of("agent", {1.0: 0.5, 3.0: 0.96}, on=["camera"])
    assert learning_rates.choose(rows) == {"agent": 3.0}
    close = {1.0: 0.895, 3.0: 0.9}
    assert learning_rates.choose(rows_of("all", close, judged=100)) == {"all": 1.0}
    assert learning_rates.choose(rows_of("all", close, judged=100_000)) == {"all": 3.0}


@pytest.mark.parametrize("missing", [None, "head", "agent"])
def test_the_figure_says_seed_and_n_and_the_table_what_is_chosen(missing):
    rows = [
        row
        for what in rates.CHOSEN
        if what != missing
        for row in rows_of(what, {0.3: 0.5, 1.0: 0.9, 3.0: 0.7}, on=["pad", "camera"])
    ]
    figure = learning_rates.draw(rows)
    FigureCanvasAgg(figure).draw()
    said = "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))
    assert "validation seed 100" in said and "500 episodes" in said and "learning rate" in said
    table = learning_rates.table(rows)
    assert str(table.cells[learning_rates.WORDS["all"], "chosen rate"]) == "0.00100"
    assert str(table.cells[learning_rates.WORDS["all"], "success with it"]) == "90.0"
    assert len(table.conditions) == len(rates.CHOSEN) - (missing is not None)


def test_no_other_figure_reports_the_validation_seed():
    assert list(learning_rates.EXPERIMENT.seeds(5)) == [100]
    assert list(outcomes.EXPERIMENT.seeds(5)) == [0, 1, 2, 3, 4]
    origin = {"device": "a machine", "commit": "0" * 12}
    content = {"preset": "quick", "runs": [{"seed": 100, "seconds": 60.0, "provenance": origin}], "rows": []}
    assert pages.command(Result(learning_rates.EXPERIMENT, content)).endswith("--preset quick --out runs/reproduce")
    assert "--preset quick --seed 100 --out" in pages.command(Result(outcomes.EXPERIMENT, content))


def test_what_figures_use_is_what_was_chosen():
    assert rates.CHOSEN == learning_rates.choose(json.loads(PUBLISHED.read_text())["rows"])


def test_a_rate_is_a_factor_on_the_presets_own():
    preset = PRESETS["quick"]
    head = rates.at_rate(preset.aligned, "head", 10.0, trained="head")
    assert head.optimizer.learning_rate == pytest.approx(7e-3) and head.trained == "head"
    assert rates.at_rate(preset.finetuned, "pre-trained", 1.0) == preset.finetuned
    chosen = rates.at_rate(preset.reward_model, "random").optimizer.learning_rate
    assert chosen == pytest.approx(rates.CHOSEN["random"] * preset.reward_model.optimizer.learning_rate)
