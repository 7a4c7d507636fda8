"""Gymnasium's wrappers on pixels: grayscale, four stacked frames, channels first; and recorded videos.

    python examples/pixels_wrappers.py --out videos

`make setup` installs the requirements. Expect five or six episodes that return 1.0 after 56 to 62 steps, one MP4 each
in `videos`, and observations of uint8 (4, 64, 64), grayscale, or (12, 64, 64) with `--color`. The policy, `steer`, is a
scripted rule: replace it with your network, which takes `observation`.
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
    """Turns (height, width, 3) into (3, height, width), the layout of torch's convolutions."""
    space = spaces.Box(0, 255, (3, SIZE, SIZE), np.uint8)
    return TransformObservation(env, lambda frame: np.moveaxis(frame, -1, 0), space)


def make(out: Path, target: str, color: bool) -> gymnasium.Env[Any, Any]:
    """Returns the environment: wrappers that record are inside, those that change observations outside."""
    env = gymnasium.make("Jumppad-v0", image_size=(SIZE, SIZE), target=target, render_mode="rgb_array")
    env = RecordVideo(env, str(out), episode_trigger=lambda episode: True, name_prefix=target)
    env = RecordEpisodeStatistics(env)
    if color:
        env = FrameStackObservation(channels_first(env), STACK)  # (4, 3, 64, 64), the newest last
        return ReshapeObservation(env, (3 * STACK, SIZE, SIZE))
    return FrameStackObservation(GrayscaleObservation(env), STACK)


def steer(info: dict[str, Any], target: str) -> np.ndarray:
    """Returns an action that moves to the target by way of the neck in the middle of the island."""
    island, x, y = load_island(), *info["position"][:2]
    goal = island.ways["neck_out"] if y < island.ways["neck_out"][1] else island.pads[jumppad_env.PADS.index(target)]
    angle = math.atan2(x - goal[0], goal[1] - y) - info["camera_yaw"]  # counter-clockwise from straight ahead
    action = np.zeros(16, dtype=np.int64)
    action[:4] = np.round(5 + 5 * np.array([-math.sin(angle), math.cos(angle), 0.0, 0.0]))
    return action


def main() -> None:
    """Runs episodes and records them."""
    parser = argparse.ArgumentParser(
        prog="python examples/pixels_wrappers.py", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=jumppad_env.PADS, default="left")
    parser.add_argument("--color", action="store_true", help="12 channels in color instead of 4 in grayscale")
    parser.add_argument("--out", type=Path, default=Path("videos"), help="folder for the videos (default videos)")
    arguments = parser.parse_args()

    env = make(arguments.out, arguments.target, arguments.color)
    observation, info = env.reset(seed=arguments.seed)
    print(f"observation: {observation.dtype} {observation.shape}")
    for _ in range(arguments.steps):
        observation, _, terminated, truncated, info = env.step(steer(info, arguments.target))
        if terminated or truncated:
            print(f"episode: return {info['episode']['r']}, {info['episode']['l']} steps")
            observation, info = env.reset()
    env.close()  # finishes the last video
    print(f"videos: {', '.join(str(video) for video in sorted(arguments.out.glob('*.mp4')))}")


if __name__ == "__main__":
    main()
