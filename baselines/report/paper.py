"""The paper's numbers, read off its figures to about 0.7 points.

Source: Jelley et al., "Aligning Agents like Large Language Models", arXiv 2406.04208.
"""

from agents.outcomes import NAMES

CITATION = "Jelley et al., “Aligning Agents like Large Language Models”, arXiv 2406.04208"
READING = 0.007
"""Error of a share that is read off a figure."""
OUTCOMES = {
    "base": (43.6, 11.8, 37.0, 7.6),
    "finetuned": (11.3, 31.8, 33.2, 23.4),
    "aligned left": (0.4, 98.7, 0.9, 0.0),
    "aligned right": (0.1, 0.0, 0.1, 99.8),
}
"""Percent none, left, middle, right, by agent."""
REWARD_ACCURACY = {
    "paper, agent encoder": {50: 0.925, 100: 0.933, 1_000: 0.950, 10_000: 0.968, 100_000: 0.986, 500_000: 0.998},
    "paper, random encoder": {50: 0.345, 100: 0.340, 1_000: 0.330, 10_000: 0.318, 100_000: 0.308, 500_000: 0.300},
}
"""Accuracy on held-out comparisons, by the number of training comparisons."""


def paper_shares(kind: str, target: str | None = None) -> dict[str, float] | None:
    """Returns the share of each outcome, 0 to 1, or None where the paper gives none.

    Args:
        kind: of the agent: "base", "finetuned", "aligned", ...
        target: pad that it is aligned to, if any.
    """
    percent = OUTCOMES.get(f"{kind} {target}" if target else kind)
    return None if percent is None else {name: value / 100 for name, value in zip(NAMES, percent, strict=True)}


def paper_success(target: str) -> float:
    """Returns the share of episodes, 0 to 1, in which the aligned agent reaches its target."""
    return OUTCOMES[f"aligned {target}"][NAMES.index(target)] / 100
