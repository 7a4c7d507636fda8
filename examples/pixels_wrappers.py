"""Pixels as networks like them, by Gymnasium's own wrappers: gray, four frames stacked, channels first; and films.

    python examples/pixels_wrappers.py --out videos

`make setup` installs what it needs. Expect five or six episodes that return 1.0 after 56 to 62 steps, one MP4 each in
`videos`, and observations of uint8 (4, 64, 64) in gray or, with `--color`, (12, 64, 64). Who plays is a rule of a few
lines that knows the way: put your network, which sees `observation`, in the place of `steer`.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import (
    FrameStackObservation,
    GrayscaleObservation,
    RecordEpisodeStatistics,
    RecordVideo,
    ReshapeObservation,
    TransformObservation,
)

import jumppad_env
from jumppad_env.island import load_island

SIZE = 64
STACK = 4


def channels_first(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """(height, width, 3) becomes (3, height, width), as torch's convolutions want it."""
    space = spaces.Box(0, 255, (3, SIZE, SIZE), np.uint8)
    return TransformObservation(env, lambda frame: np.moveaxis(frame, -1, 0), space)


def make(out: Path, target: str, color: bool) -> gymnasium.Env[Any, Any]:
    """Returns the environment: what records stands innermost, what changes observations outside of it."""
    env = gymnasium.make("Jumppad-v0", image_size=(SIZE, SIZE), target=target, render_mode="rgb_array")
    env = RecordVideo(env, str(out), episode_trigger=lambda episode: True, name_prefix=target)
    env = RecordEpisodeStatistics(env)
    if color:
        env = FrameStackObservation(channels_first(env), STACK)  # (4, 3, 64, 64), the newest last
        return ReshapeObservation(env, (3 * STACK, SIZE, SIZE))
    return FrameStackObservation(GrayscaleObservation(env), STACK)


def steer(info: dict[str, Any], target: str) -> np.ndarray:
    """Returns the stick's way to the target, by the neck in the middle of the island, and no button."""
    island, x, y = load_island(), *info["position"][:2]
    goal = island.ways["neck_out"] if y < island.ways["neck_out"][1] else island.pads[jumppad_env.PADS.index(target)]
    angle = math.atan2(x - goal[0], goal[1] - y) - info["camera_yaw"]  # counter-clockwise from straight ahead
    action = np.zeros(16, dtype=np.int64)
    action[:4] = np.round(5 + 5 * np.array([-math.sin(angle), math.cos(angle), 0.0, 0.0]))
    return action


def main() -> None:
    """Plays and films."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=jumppad_env.PADS, default="left")
    parser.add_argument("--color", action="store_true", help="12 channels of color instead of 4 of gray")
    parser.add_argument("--out", type=Path, default=Path("videos"), help="folder of the films (default videos)")
    arguments = parser.parse_args()

    env = make(arguments.out, arguments.target, arguments.color)
    observation, info = env.reset(seed=arguments.seed)
    print(f"observation: {observation.dtype} {observation.shape}")
    for _ in range(arguments.steps):
        observation, _, terminated, truncated, info = env.step(steer(info, arguments.target))
        if terminated or truncated:
            print(f"episode: return {info['episode']['r']}, {info['episode']['l']} steps")
            observation, info = env.reset()
    env.close()  # finishes the last film
    print(f"films: {', '.join(str(film) for film in sorted(arguments.out.glob('*.mp4')))}")


if __name__ == "__main__":
    main()
