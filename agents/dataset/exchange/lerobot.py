"""Export of datasets to LeRobot (https://github.com/huggingface/lerobot), layout v3.0.

    export_lerobot(Dataset("runs/demonstrations"), "runs/lerobot")

    meta/info.json                                                  features, frames per second, paths of the files
    meta/stats.json                                                 statistics of each feature
    meta/tasks.parquet                                              descriptions of the tasks
    meta/episodes/chunk-000/file-000.parquet                        per episode: rows, place in the video, statistics;
                                                                    our additions: seed, character, mode, pad, ...
    data/chunk-000/file-000.parquet                                 per step: action, reward, ...; all episodes
    videos/observation.images.camera/chunk-000/file-000.mp4         the frames of all episodes

The files are written with pyarrow and PyAV, following the source of LeRobot 0.6.2 (`lerobot/datasets/`: `utils.py`,
`dataset_metadata.py`, `dataset_writer.py`, `compute_stats.py`), which needs Python 3.12 and another torch than
constraints.txt. A test trains with LeRobot 0.6.1 in an environment of its own.

By default the video is lossless H.264 (RGB, 4:4:4), which LeRobot's decoders can read. `lossy=True` writes H.264 that
browsers can play as well, at 40% of the size; at 64x64 the mean error is 6 of 255.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.dataset.exchange.lerobot_stats import Stats, column_stats, image_stats, join
from agents.dataset.exchange.packages import need
from agents.dataset.exchange.patient_file import PatientFile
from agents.dataset.exchange.transitions import Player
from jumppad_env.dataset import Dataset, Trajectory
from jumppad_env.files import PARTIAL, explain_full_disk, write_directory
from jumppad_env.gamepad import AXES, BUTTONS
from jumppad_env.levels import LevelSettings
from jumppad_env.world.episodes import FPS, STATE_OBSERVATION
from jumppad_env.world.level_observation import level_observation

if TYPE_CHECKING:
    import av

VERSION = "v3.0"
CAMERA = "observation.images.camera"
FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA_PATH = f"data/{FILE}.parquet"
VIDEO_PATH = f"videos/{{video_key}}/{FILE}.mp4"
EPISODES_PATH = f"meta/episodes/{FILE}.parquet"
FILES_PER_CHUNK, DATA_MEGABYTES, VIDEO_MEGABYTES = 1000, 100, 200
"""LeRobot's defaults."""
LOSSLESS = ("libx264rgb", "rgb24", {"qp": "0", "preset": "veryfast", "g": "2"})
LOSSY = ("libx264", "yuv420p", {"crf": "18", "preset": "veryfast", "g": "2"})
"""Codec, pixel format, options: as in LeRobot, every second frame is a key frame (g), for random access."""


def export_lerobot(
    dataset: Dataset, directory: Path | str, *, lossy: bool = False, observed_state: bool = False
) -> None:
    """Writes a dataset in LeRobot's layout; the directory appears only when it is complete.

    Actions are float32 buckets, 0 to 10 and 0 or 1, since LeRobot's policies expect floats. Exact states are stored as
    the feature `states`, which LeRobot's policies do not take for an observation. Those that need one besides the
    camera, such as ACT, are given what `JumppadState-v0` shows, on levels `JumppadIslandsState-v0`.

    Args:
        dataset: the dataset, which has frames.
        directory: must not exist.
        lossy: write smaller videos that browsers can play.
        observed_state: also write the observation of `JumppadState-v0`, or that on levels, as `observation.state`.

    Raises:
        ValueError: there are no frames, their size is odd for a lossy video, the directory exists, or packages are
            missing.
        OSError: writing failed; nothing is left behind.
    """
    need("pyarrow", "av")
    directory = Path(directory)
    if directory.exists():
        raise ValueError(f"{directory} exists; choose another place or delete it")
    if dataset.frames is None:
        raise ValueError("the export to LeRobot needs frames, but this dataset has none; render them first")
    height, width = dataset.frames.shape[1:3]
    if lossy and (height % 2 or width % 2):
        raise ValueError(f"a lossy video needs an even height and width, got {height}x{width}; use lossy=False")
    # Absolute: ffmpeg and pyarrow take the first part of a relative path for a protocol if it has a colon.
    partial = directory.absolute().with_name(f".{directory.name}{PARTIAL}")
    with (
        explain_full_disk(directory),
        write_directory(directory, partial),
        contextlib.closing(Player(dataset.manifest.get("environment", {}), None)) as player,
    ):
        _write(partial, dataset, player, lossy, observed_state)


class _Files:
    """A data file and its video, to which episodes are appended."""

    def __init__(self, root: Path, number: int, image_size: tuple[int, int], lossy: bool) -> None:
        import av

        self.place = {"chunk_index": number // FILES_PER_CHUNK, "file_index": number % FILES_PER_CHUNK}
        paths = DATA_PATH.format(**self.place), VIDEO_PATH.format(video_key=CAMERA, **self.place)
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
        self._data, self._film = (PatientFile(root / path) for path in paths)
        self.frames = 0
        self._writer: Any = None
        codec, pixels, options = LOSSY if lossy else LOSSLESS
        self._container: Any = av.open(self._film, "w", format="mp4")
        self._stream: av.VideoStream = self._container.add_stream(codec, rate=FPS, options=options)
        self._stream.height, self._stream.width = image_size
        self._stream.pix_fmt = pixels

    @property
    def full(self) -> bool:
        """Whether the next episode must go into another file."""
        sizes = ((self._data, DATA_MEGABYTES), (self._film, VIDEO_MEGABYTES))
        return self.frames > 0 and any(file.tell() >= megabytes * 2**20 for file, megabytes in sizes)

    def append(self, table: Any, frames: np.ndarray) -> None:
        """Appends an episode: a pyarrow table of its steps, written as a row group, and frames uint8 (T, H, W, 3)."""
        import av
        import pyarrow.parquet

        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(self._data, table.schema, compression="snappy")
        self._writer.write_table(table)
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = self.frames, Fraction(1, FPS)
            self._container.mux(self._stream.encode(picture))
            self.frames += 1
        for file in (self._data, self._film):
            file.check()

    def close(self) -> None:
        """Completes both files; may be called twice.

        Raises:
            OSError: the disk is full.
        """
        container, self._container = self._container, None
        if container is None:
            return
        container.mux(self._stream.encode())
        container.close()
        if self._writer is not None:
            self._writer.close()
        for file in (self._data, self._film):
            file.close()
        for file in (self._data, self._film):
            file.check()


def _write(root: Path, dataset: Dataset, player: Player, lossy: bool, observed_state: bool) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    assert dataset.frames is not None
    image_size = dataset.frames.shape[1:3]
    target = dataset.manifest.get("environment", {}).get("target")
    task = f"Get to the {target} jump pad." if target else "Get to a jump pad."
    names = {"action": [*AXES, *BUTTONS], "states": list(dataset.state_columns)}
    names |= {"observation.state": _observed(dataset.settings)} if observed_state else {}
    rows: list[dict[str, Any]] = []
    stats: list[Mapping[str, Stats]] = []
    index = number = 0
    features: dict[str, Any] = {}
    files = _Files(root, number, image_size, lossy)
    try:
        for episode in range(len(dataset)):
            if files.full:
                files.close()
                number += 1
                files = _Files(root, number, image_size, lossy)
            trajectory = dataset.trajectory(episode)
            assert trajectory.frames is not None
            columns, features = _steps(trajectory, player, episode, index, names)
            told = {field.name: getattr(trajectory, field.name) for field in fields(Trajectory)}  # seed, mode, ...
            start = files.frames
            table = pa.table({name: _arrow(column) for name, column in columns.items()})
            files.append(table, trajectory.frames)
            stats.append({CAMERA: image_stats(trajectory.frames), **{n: column_stats(c) for n, c in columns.items()}})
            rows.append(
                {
                    "episode_index": episode,
                    "tasks": [task],
                    "length": len(trajectory),
                    **{f"data/{name}": value for name, value in files.place.items()},
                    "dataset_from_index": index,
                    "dataset_to_index": index + len(trajectory),
                    **{f"videos/{CAMERA}/{name}": value for name, value in files.place.items()},
                    f"videos/{CAMERA}/from_timestamp": start / FPS,
                    f"videos/{CAMERA}/to_timestamp": files.frames / FPS,
                    **{name: value for name, value in told.items() if isinstance(value, str | int | float)},
                    **{f"stats/{f}/{name}": v.tolist() for f, s in stats[-1].items() for name, v in s.items()},
                    "meta/episodes/chunk_index": 0,
                    "meta/episodes/file_index": 0,
                }
            )
            index += len(trajectory)
    finally:
        files.close()
    path = root / EPISODES_PATH.format(chunk_index=0, file_index=0)
    path.parent.mkdir(parents=True)
    for table, file in ((pa.Table.from_pylist(rows), path), (_tasks([task]), root / "meta/tasks.parquet")):
        with PatientFile(file) as written:
            pyarrow.parquet.write_table(table, written, compression="snappy")
        written.check()
    joined = {f: {n: v.tolist() for n, v in s.items()} for f, s in join(stats).items()}
    info = {
        "codebase_version": VERSION,
        "fps": FPS,
        "features": {CAMERA: _video_feature(image_size, lossy), **features},
        "total_episodes": len(rows),
        "total_frames": index,
        "total_tasks": 1,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": DATA_MEGABYTES,
        "video_files_size_in_mb": VIDEO_MEGABYTES,
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH,
        "robot_type": "jumppad",
        "splits": {"train": f"0:{len(rows)}"},
    }
    for name, content in (("stats", joined), ("info", info)):
        (root / f"meta/{name}.json").write_text(json.dumps(content, indent=4), encoding="utf-8")


def _steps(
    trajectory: Trajectory, player: Player, episode: int, index: int, names: dict[str, list[str]]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns an episode's columns, (T,) or (T, D), and their entries in info.json.

    Args:
        trajectory: the episode.
        player: replays its last action.
        episode: its index.
        index: of its first step.
        names: those of the columns of actions, states, and the observed state if it is wanted.
    """
    steps = player.finish(trajectory)
    count = np.arange(len(trajectory))
    columns = {
        "action": trajectory.actions.astype(np.float32),
        **({"observation.state": player.observe(trajectory.states)} if "observation.state" in names else {}),
        "states": trajectory.states,
        "next.reward": steps.rewards.astype(np.float32),
        "next.done": steps.terminations | steps.truncations,
        "next.success": steps.rewards > 0,
        "timestamp": (count / FPS).astype(np.float32),
        "frame_index": count,
        "episode_index": np.full(len(count), episode),
        "index": index + count,
        "task_index": np.zeros_like(count),
    }
    features = {
        name: {"dtype": str(column.dtype), "shape": list(column.shape[1:]) or [1], "names": names.get(name)}
        for name, column in columns.items()
    }
    return columns, features


def _observed(settings: LevelSettings | None) -> list[str]:
    """Returns the names of the columns of the observed state, given what levels are like."""
    columns = STATE_OBSERVATION if settings is None else level_observation(STATE_OBSERVATION, settings)
    return [f"{name} {column}" if width > 1 else name for name, width, *_ in columns for column in range(width)]


def _arrow(column: np.ndarray) -> Any:
    """Returns a pyarrow array; two-dimensional columns become fixed-size lists."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(column).reshape(-1))
    return flat if column.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, column.shape[1])


def _tasks(tasks: list[str]) -> Any:
    """Returns the table of tasks with metadata that makes pandas, and so LeRobot, use the descriptions as index."""
    import pyarrow as pa

    columns = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"},
        {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"},
    ]
    note = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [{**column, "metadata": None} for column in columns],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": tasks})
    return table.replace_schema_metadata({"pandas": json.dumps(note)})


def _video_feature(image_size: tuple[int, ...], lossy: bool) -> dict[str, Any]:
    height, width = image_size
    _, pixels, options = LOSSY if lossy else LOSSLESS
    return {
        "dtype": "video",
        "shape": [height, width, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": height,
            "video.width": width,
            "video.codec": "h264",
            "video.pix_fmt": pixels if lossy else "gbrp",
            "video.fps": FPS,
            "video.channels": 3,
            "video.g": int(options["g"]),
            "video.crf": int(options.get("crf", 0)),
            "video.preset": options["preset"],
            "has_audio": False,
            "is_depth_map": False,
        },
    }
