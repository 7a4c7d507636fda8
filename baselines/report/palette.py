"""Colors and titles of a run's stages."""

from agents.figures.palette import DEMONSTRATIONS

STAGE_COLORS = {
    "demonstrations": DEMONSTRATIONS,
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
