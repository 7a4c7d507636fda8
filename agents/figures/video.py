"""Videos of episodes, rendered from their states with captions, as H.264 or as an animated GIF.

The states of a trajectory are exact, so a video shows precisely what was played, at any size.
"""

import functools
import itertools
import math
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from agents.figures.palette import OUTCOME_COLORS, PAD_COLORS, end_colors, outcome_name, rgb
from agents.progress import Progress
from jumppad_env.dataset import Trajectory
from jumppad_env.drawing import Painter
from jumppad_env.files import PARTIAL, explain_full_disk, flush_to_disk, write_atomically
from jumppad_env.levels import COLORS, make_level
from jumppad_env.machine.parent import ending_with_parent
from jumppad_env.rules import RULES
from jumppad_env.world.episodes import FPS
from jumppad_env.world.state import ISLAND, LEVEL, PAD

EPISODE_SIZE = (360, 600)
"""(height, width) of a video of one episode, pixels; as in the game of the paper."""
CELL_SIZE = (180, 300)
"""(height, width) of an episode in a grid, pixels."""
GAP = 4
"""Pixels between the cells of a grid."""
HOLD = FPS
"""Number of frames for which the last one is held, so that the outcome can be read."""
ENCODERS = 3
"""Threads of H.264, on whose number the bytes depend: what x264 itself takes on two cores."""
INK, PAPER = (255, 255, 255), (16, 20, 26)
GIF_WIDTH = 320
GIF_BYTES = 1_000_000
"""Size limit of a GIF for a README."""


def write_episode(path: Path | str, trajectory: Trajectory, agent: str, episode: int) -> None:
    """Writes a video of one episode.

    Args:
        path: mp4 file; replaced only when the new one is complete.
        trajectory: the episode.
        agent: name of the agent in the caption.
        episode: number of the episode in the caption.

    Raises:
        OSError: writing failed.
    """
    write_mp4(path, episode_frames(trajectory, agent, episode))


def write_grid(path: Path | str, trajectories: Sequence[Trajectory], agent: str) -> None:
    """Writes a video of episodes in a grid that is as square as possible.

    Args:
        path: mp4 file; replaced only when the new one is complete.
        trajectories: at least one.
        agent: name of the agent in the headline.

    Raises:
        OSError: writing failed.
    """
    frames, length = grid_frames(trajectories, agent), max(map(len, trajectories)) + HOLD
    write_mp4(path, Progress(frames, total=length, description=f"video {Path(path).name}", unit="frame"))


def write_gif(path: Path | str, film: Path | str) -> None:
    """Converts a video to a GIF of at most `GIF_BYTES`, reducing the frame rate and the colors if necessary.

    Args:
        path: GIF file.
        film: mp4 file of `write_episode` or `write_grid`.

    Raises:
        OSError: the video cannot be read or the GIF cannot be written.
    """
    command = [*_ffmpeg(), "-i", _argument(film), "-f", "gif", "-filter_complex"]
    content = b""
    for stride, colors in ((1, 128), (2, 128), (2, 64), (2, 32), (4, 64)):
        # One palette for the whole video: palettes per frame would flicker.
        palette = f"split[a][b];[a]palettegen={colors}:stats_mode=full[c];[b][c]paletteuse=dither=none"
        graph = f"fps={FPS / stride},scale={GIF_WIDTH}:-1:flags=lanczos,{palette}"
        made = subprocess.run([*command, graph, "-"], capture_output=True)
        if made.returncode != 0:
            raise OSError(f"cannot convert {film} to a GIF: {_last_line(made.stderr)}")
        content = made.stdout
        if len(content) <= GIF_BYTES:
            break
    with explain_full_disk(Path(path).parent):
        write_atomically(Path(path), content)


def episode_frames(trajectory: Trajectory, agent: str, episode: int) -> Iterator[np.ndarray]:
    """Yields the captioned frames of one episode, uint8 (*EPISODE_SIZE, 3)."""
    doing = f" ({trajectory.mode.replace('_', ' ')})" if trajectory.mode else ""
    detail = f"episode {episode}, seed {trajectory.seed}{doing}"
    with closing(Painter(*EPISODE_SIZE, fine=True, threads=2, settings=trajectory.settings)) as painter:
        for step in range(len(trajectory) + HOLD):
            frame = painter.draw_one(trajectory.states[min(step, len(trajectory) - 1)], trajectory.character)
            outcome = outcome_at(trajectory, step)
            yield caption(frame, agent, detail, outcome or _clock(step), outcome)


def grid_frames(trajectories: Sequence[Trajectory], agent: str) -> Iterator[np.ndarray]:
    """Yields the frames of a grid; episodes that have ended keep showing their last frame."""
    height, width = CELL_SIZE
    columns = math.ceil(math.sqrt(len(trajectories)))
    rows = math.ceil(len(trajectories) / columns)
    top = 2 * round(0.03 * columns * width)
    shape = (top + rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3)
    ends = end_colors(trajectories[0].settings)
    cells = np.zeros((len(trajectories), height, width, 3), dtype=np.uint8)
    with closing(Painter(height, width, fine=True, threads=2, settings=trajectories[0].settings)) as painter:
        for step in range(max(map(len, trajectories)) + HOLD):
            outcomes = [outcome_at(trajectory, step) for trajectory in trajectories]
            canvas = np.full(shape, PAPER, dtype=np.uint8)
            _headline(canvas[:top], agent, outcomes, ends, _clock(step))
            for index, (trajectory, outcome) in enumerate(zip(trajectories, outcomes, strict=True)):
                if step <= len(trajectory):
                    picture = painter.draw_one(trajectory.states[min(step, len(trajectory) - 1)], trajectory.character)
                    detail = trajectory.mode.replace("_", " ")
                    cells[index] = caption(picture, f"{index + 1}", detail, outcome or "", outcome)
                y = top + GAP + index // columns * (height + GAP)
                x = GAP + index % columns * (width + GAP)
                canvas[y : y + height, x : x + width] = cells[index]
            yield canvas


def outcome_at(trajectory: Trajectory, step: int) -> str | None:
    """Returns the outcome if known at a step: a pad once it is touched, "none" once the episode is over.

    On levels a pad is named by its color, and in a flight to the next island it is the one that launched.
    """
    over = step >= len(trajectory)
    state = trajectory.states[min(step, len(trajectory) - 1)]
    pad = trajectory.pad if over else int(state[PAD])
    if pad < 0:
        return "none" if over else None
    if trajectory.settings is None:
        return outcome_name(pad)
    colors = make_level(int(state[LEVEL]), trajectory.settings).colors
    return COLORS[int(colors[-1 if over else int(state[ISLAND])][pad])]


def caption(frame: np.ndarray, title: str, detail: str, status: str, outcome: str | None) -> np.ndarray:
    """Returns a captioned copy of a frame.

    Args:
        frame: uint8 (H, W, 3).
        title: bold text at the lower left.
        detail: text beside the title.
        status: text at the lower right.
        outcome: determines the color of the status and the border; None leaves them plain.
    """
    height, width = frame.shape[:2]
    size = max(13, height // 22)
    bar = 2 * size
    image = Image.fromarray(frame)
    strip = Image.new("RGB", (width, bar), PAPER)
    image.paste(Image.blend(image.crop((0, height - bar, width, height)), strip, 0.62), (0, height - bar))
    pen = ImageDraw.Draw(image)
    color = rgb((OUTCOME_COLORS | PAD_COLORS)[outcome]) if outcome else None
    border = max(4, height // 60)
    if color:
        pen.rectangle((0, 0, width - 1, height - 1), outline=color, width=border)
    middle, margin = height - bar / 2 - border / 4, size * 0.9
    pen.text((margin, middle), title, INK, _font(size), "lm", stroke_width=size / 40, stroke_fill=INK)
    left = margin + _font(size).getlength(title) + 0.8 * size
    pen.text((left, middle), detail, (206, 212, 220), _font(size), "lm")
    right = width - margin
    if color:
        _pill(pen, right, middle, status, color, size)
    else:
        pen.text((right, middle), status, INK, _font(size), "rm")
    return np.asarray(image)


def write_mp4(path: Path | str, frames: Iterable[np.ndarray]) -> None:
    """Encodes frames as H.264 at real-time speed, playable in every browser; the bytes depend on the frames only.

    Args:
        path: mp4 file; replaced only when the new one is complete.
        frames: uint8 (H, W, 3), all of the same even height and width.

    Raises:
        OSError: writing failed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    frames = iter(frames)
    first = next(frames)
    height, width = first.shape[:2]
    assert height % 2 == 0 and width % 2 == 0, f"H.264 needs an even height and width, got {height} and {width}"
    source = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {FPS} -i -".split()
    # Browsers assume bt709; without tags, colors would depend on the player.
    target = "-vf scale=out_color_matrix=bt709:out_range=tv -colorspace bt709 -color_primaries bt709 -color_trc bt709"
    target += " -c:v libx264 -pix_fmt yuv420p -crf 23 -preset fast -tune animation -movflags +faststart -f mp4"
    threads = f"-filter_threads 1 -threads {ENCODERS}".split()
    command = [*_ffmpeg(), "-y", *source, *target.split(), *threads, _argument(partial)]
    with (
        explain_full_disk(path.parent),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process,
    ):
        assert process.stdin is not None and process.stderr is not None
        try:
            with suppress(BrokenPipeError):  # ffmpeg has failed; its error is reported below
                for frame in itertools.chain([first], frames):
                    process.stdin.write(frame.tobytes())
                process.stdin.close()
            reason = process.stderr.read()
            if process.wait() != 0:
                raise OSError(f"{path} could not be written: {_last_line(reason)}")
            with partial.open("rb") as file:
                flush_to_disk(file.fileno())
            os.replace(partial, path)
        except BaseException:
            process.kill()
            partial.unlink(missing_ok=True)
            raise


def _ffmpeg() -> list[str]:
    """Returns the beginning of a command; it ends with its parent, so that the next run is alone at the file."""
    return ending_with_parent([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"])


def _argument(path: Path | str) -> str:
    """Returns a path for ffmpeg, which takes a relative one for an option or a protocol, as in "-out" or "12:30"."""
    return str(Path(path).absolute())


def _last_line(output: bytes) -> str:
    return (output.decode(errors="replace").strip().splitlines() or ["ffmpeg failed"])[-1]


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def _clock(step: int) -> str:
    return f"{step * RULES.control_step:.1f} s"


def _headline(canvas: np.ndarray, agent: str, outcomes: Sequence[str | None], ends: dict[str, str], clock: str) -> None:
    """Writes the agent, the outcomes so far and the time into the headline of a grid."""
    height, width = canvas.shape[:2]
    size = round(0.42 * height)
    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    middle, margin = height / 2 + 1, size * 0.9
    pen.text((margin, middle), agent, INK, _font(size), "lm", stroke_width=size / 40, stroke_fill=INK)
    pen.text((width - margin, middle), clock, INK, _font(size), "rm")
    right = width - margin - _font(size).getlength("00.0 s") - size
    for outcome in reversed(ends):
        text = f"{outcome} {outcomes.count(outcome)}"
        right -= _pill(pen, right, middle, text, rgb(ends[outcome]), size) + 0.5 * size
    canvas[:] = np.asarray(image)


def _pill(pen: ImageDraw.ImageDraw, right: float, middle: float, text: str, color: tuple[int, ...], size: int) -> float:
    """Draws a rounded, colored label that ends at `right`; returns its width."""
    width = _font(size).getlength(text) + 1.2 * size
    box = (right - width, middle - 0.72 * size, right, middle + 0.72 * size)
    pen.rounded_rectangle(box, radius=0.75 * size, fill=color)
    dark = sum(color) > 420  # contrast with the letters
    pen.text((right - width / 2, middle), text, PAPER if dark else INK, _font(size), "mm")
    return width
