"""What tests read off an experiment: the words of its figure, the cells of its table, the answers to its claims."""

import warnings
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def words_of(figure: Figure) -> str:
    """Returns all that is written in a figure, a text a line, once it is drawn without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        FigureCanvasAgg(figure).draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text())


def answers(module: Any, rows: list[dict[str, Any]]) -> list[str]:
    """Returns the answer to each claim of an experiment, in their order."""
    table = module.EXPERIMENT.table(module.EXPERIMENT.condense(rows))
    return [claim.judge(table).answer for claim in module.EXPERIMENT.claims]


def cells(module: Any, rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Returns what the table says, by condition and column."""
    table = module.EXPERIMENT.table(module.EXPERIMENT.condense(rows))
    return {key: str(cell) for key, cell in table.cells.items()}
