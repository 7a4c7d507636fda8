"""Colors of outcomes and modes, shared by all figures, videos and pages."""

from collections.abc import Sequence

from matplotlib.colors import to_hex

from agents.outcomes import NAMES
from agents.targets import PEOPLE
from jumppad_env.drawing.levels.pieces import PAINTS
from jumppad_env.levels import COLORS, LevelSettings

OUTCOME_COLORS = {"none": "#9aa3ad", "left": "#1f77b4", "middle": "#e0a526", "right": "#b5365f"}
"""Blue, gold and wine red differ in hue and lightness, so they work for color-blind readers and in grayscale."""

PAD_COLORS = {color: to_hex(paint) for color, paint in zip(COLORS, PAINTS, strict=True)}
"""Colors of the pads of levels."""

WAY_COLORS = ("#0f766e", "#7c3aed", "#c2410c", "#be185d", "#4d7c0f")
"""Colors of ways over several islands, in any order."""

DEMONSTRATIONS = "#7b6fb0"
"""Color of a dataset as a whole."""

MODE_COLORS = {
    "direct_left": OUTCOME_COLORS["left"],
    "direct_middle": OUTCOME_COLORS["middle"],
    "direct_right": OUTCOME_COLORS["right"],
    "miss_left": "#74b3e0",
    "miss_middle": "#f0cf7f",
    "miss_right": "#e08aa6",
    "wander": "#2a9d8f",
    "give_up": "#6a994e",
    "lose_way": "#a0682f",
    "shadow_box": "#e4572e",
    "idle": "#66717c",
    "leave_track": "#b366ff",
}
"""Colors of `agents.population.MODES`: a run has the color of its pad, a missed pad a paler shade."""


def mode_color(mode: str) -> str:
    """Returns the color of a mode; unknown modes share one."""
    return MODE_COLORS.get(mode, OUTCOME_COLORS["none"])


def target_colors(targets: Sequence[str]) -> dict[str, str]:
    """Returns a color for each target, by its name."""
    known = OUTCOME_COLORS | PAD_COLORS
    other = (WAY_COLORS[index % len(WAY_COLORS)] for index in range(len(targets)))
    return {target: known.get(target.removeprefix(PEOPLE), color) for target, color in zip(targets, other, strict=True)}


def end_colors(settings: LevelSettings | None) -> dict[str, str]:
    """Returns the color of every end that episodes may have: by place on the classic island, by color on levels."""
    if settings is None:
        return OUTCOME_COLORS
    return {"none": OUTCOME_COLORS["none"], **{color: PAD_COLORS[color] for color in settings.colors}}


def outcome_name(pad: int) -> str:
    """Returns the outcome of an episode that touched this pad (-1: none)."""
    return NAMES[pad + 1]


def rgb(color: str) -> tuple[int, int, int]:
    """Returns red, green and blue, 0 to 255, of "#rrggbb"."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
