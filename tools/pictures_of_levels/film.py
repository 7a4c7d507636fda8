"""A film of a person who is launched from one island to the next."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from agents.figures.video import EPISODE_SIZE, caption, write_gif, write_mp4
from agents.population.demonstrator import Crowd
from agents.population.populations import POPULATIONS
from agents.rollout import rollout
from jumppad_env.dataset import Trajectory
from jumppad_env.drawing import Painter
from jumppad_env.levels import COLORS, Level, LevelSettings, make_level
from jumppad_env.rules import RULES
from jumppad_env.world.state import ISLAND, PAD

SETTINGS, LEVEL, SEED = LevelSettings(islands=2), 3, 0
SHOWN = slice(16, 112)
"""Steps of the episode: from the first island's neck to the second one's."""


def play() -> Trajectory:
    """Plays an episode of a person who reaches a pad on both islands."""
    levels = {"num_levels": 0, "islands": SETTINGS.islands, "autoreset_mode": AutoresetMode.DISABLED}
    envs = gymnasium.make_vec("JumppadIslandsState-v0", num_envs=1, **levels)
    crowd = Crowd(POPULATIONS["curated"], 1, SETTINGS)
    with closing(envs):
        return next(iter(rollout(envs, crowd, [SEED], starts=lambda _: {"level": [LEVEL]})))


def frames(episode: Trajectory, level: Level) -> Iterator[np.ndarray]:
    """Yields the shown frames with a caption: the island, the time, and the pad during a flight."""
    with closing(Painter(*EPISODE_SIZE, fine=True, threads=2, settings=level.settings)) as painter:
        for step in range(*SHOWN.indices(len(episode))):
            state = episode.states[step]
            island, pad = int(state[ISLAND]), int(state[PAD])
            touched = f"{COLORS[level.colors[island, pad]]} pad" if pad >= 0 else f"{step * RULES.control_step:.1f} s"
            where = f"island {island + 1} of {level.settings.islands}"
            yield caption(painter.draw_one(state, episode.character), where, f"level {level.number}", touched, None)


def draw_film(path: Path) -> None:
    """Writes the film as a GIF."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        write_mp4(film, frames(play(), make_level(LEVEL, SETTINGS)))
        write_gif(path, film)
