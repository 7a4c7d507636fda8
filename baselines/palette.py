"""Colors and words that videos, figures and the report share."""

from baselines.outcomes import NAMES

OUTCOME_COLORS = {"none": "#9aa3ad", "left": "#1f77b4", "middle": "#e0a526", "right": "#b5365f"}
"""Blue, gold and wine red differ in hue and in lightness: color-blind readers and gray prints tell them apart."""

STAGE_COLORS = {
    "demonstrations": "#7b6fb0",
    "base": "#d62b2b",
    "finetuned": "#eeb211",
    "preference_finetuned": "#8fbf3f",
    "aligned": "#15803d",
}
"""Red, yellow and green as in the paper's figure; the two stages that it leaves out in between and before."""

KIND_TITLES = {
    "demonstrations": "Demonstrations",
    "base": "Base",
    "finetuned": "Fine-tuned",
    "preference_finetuned": "Preference fine-tuned",
    "aligned": "Aligned",
}
"""What the kinds of stages are called."""


def outcome_name(pad: int) -> str:
    """Returns the outcome of an episode that touched this pad (-1: none)."""
    return NAMES[pad + 1]


def rgb(color: str) -> tuple[int, int, int]:
    """Returns red, green and blue, 0 to 255, of "#rrggbb"."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
