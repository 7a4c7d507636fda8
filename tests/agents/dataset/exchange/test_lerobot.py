"""LeRobot's layout v3.0, read back by a small reader that finds all through meta/, as LeRobot does."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset, write_dataset
from agents.dataset.exchange import lerobot
from agents.dataset.exchange.lerobot import export_lerobot
from agents.population.modes import GOALS
from jumppad_env.gamepad import AXES, BUTTONS
from jumppad_env.world import observe
from jumppad_env.world.episodes import STATE_WIDTH

av = pytest.importorskip("av")
parquet = pytest.importorskip("pyarrow.parquet")
SIZE = (48, 64)
CAMERA = "observation.images.camera"


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory):
    directory = tmp_path_factory.mktemp("data") / "demonstrations"
    collect(CollectConfig(episodes=6, image_size=SIZE, character="random", seed=3), directory)
    return Dataset(directory)


@pytest.fixture(scope="module")
def exported(demonstrations, tmp_path_factory):
    out = tmp_path_factory.mktemp("lerobot")
    export_lerobot(demonstrations, out / "lossless")
    export_lerobot(demonstrations, out / "lossy", lossy=True)
    return out


class Reader:
    """Reads an export by the files' names and places that meta/ gives."""

    def __init__(self, root):
        self.root = root
        self.info = json.loads((root / "meta/info.json").read_text())
        self.stats = json.loads((root / "meta/stats.json").read_text())
        files = sorted(root.glob("meta/episodes/*/*.parquet"))
        self.episodes = [row for file in files for row in parquet.read_table(file).to_pylist()]
        self.tasks = parquet.read_table(root / "meta/tasks.parquet")

    def table(self, episode):
        row = self.episodes[episode]
        place = {name: row[f"data/{name}"] for name in ("chunk_index", "file_index")}
        table = parquet.read_table(self.root / self.info["data_path"].format(**place))
        return table.filter([index == episode for index in table["episode_index"].to_pylist()])

    def column(self, episode, name):
        return np.array(self.table(episode)[name].to_pylist(), dtype=self.info["features"][name]["dtype"])

    def film(self, episode):
        """Returns the frames of an episode and their times within it."""
        row = self.episodes[episode]
        place = {name: row[f"videos/{CAMERA}/{name}"] for name in ("chunk_index", "file_index")}
        begin, end = (row[f"videos/{CAMERA}/{name}"] for name in ("from_timestamp", "to_timestamp"))
        half = 0.5 / self.info["fps"]
        with av.open(str(self.root / self.info["video_path"].format(video_key=CAMERA, **place))) as container:
            assert container.streams.video[0].average_rate == self.info["fps"]
            shown = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
        own = [(time, frame) for time, frame in shown if begin - half < time < end - half]
        return np.array([frame for _, frame in own]), np.array([time for time, _ in own]) - begin


def test_any_relative_path_takes_an_export(demonstrations, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("12:30", "-out", "s3:"):  # which ffmpeg and pyarrow take for protocols and options
        export_lerobot(demonstrations, f"{name}/lerobot")
        assert len(Reader(tmp_path / name / "lerobot").episodes) == len(demonstrations)


@pytest.fixture(params=["lossless", "lossy"])
def reader(exported, request):
    return Reader(exported / request.param)


def test_counts_and_schema(demonstrations, reader):
    info, steps = reader.info, len(demonstrations.actions)
    assert (info["codebase_version"], info["fps"], info["total_episodes"]) == ("v3.0", 10, len(demonstrations))
    assert info["total_frames"] == steps and info["splits"] == {"train": f"0:{len(demonstrations)}"}
    assert len(reader.episodes) == len(demonstrations)
    table = reader.table(0)
    assert {CAMERA, *table.column_names} == set(info["features"])
    for name in table.column_names:
        feature, field = info["features"][name], table.schema.field(name).type
        single = field.value_type if feature["shape"] != [1] else field
        assert str(single) == {"float32": "float", "float64": "double"}.get(feature["dtype"], feature["dtype"])
        assert feature["shape"] == ([1] if single is field else [field.list_size])
    assert info["features"]["action"]["names"] == [*AXES, *BUTTONS]
    assert info["features"][CAMERA]["shape"] == [*SIZE, 3] and info["features"][CAMERA]["dtype"] == "video"


def test_steps_are_exact(demonstrations, reader):
    start = 0
    for index in range(len(demonstrations)):
        trajectory, count = demonstrations.trajectory(index), len(demonstrations.trajectory(index))
        rows = np.arange(count)
        assert np.array_equal(reader.column(index, "action"), trajectory.actions)
        assert np.array_equal(reader.column(index, "states"), trajectory.states)
        assert np.array_equal(reader.column(index, "timestamp"), (rows / 10).astype(np.float32))
        assert np.array_equal(reader.column(index, "frame_index"), rows)
        assert np.array_equal(reader.column(index, "index"), start + rows)
        assert not reader.column(index, "task_index").any()
        assert reader.column(index, "next.done").tolist() == [False] * (count - 1) + [True]
        assert reader.column(index, "next.reward").sum() == (trajectory.pad >= 0)
        assert np.array_equal(reader.column(index, "next.success"), reader.column(index, "next.reward") == 1)
        row = reader.episodes[index]
        assert (row["dataset_from_index"], row["dataset_to_index"], row["length"]) == (start, start + count, count)
        told = tuple(row[name] for name in ("seed", "character", "mode", "pad", "fell"))
        assert told == (trajectory.seed, trajectory.character, trajectory.mode, trajectory.pad, trajectory.fell)
        start += count


def test_states_are_observed_on_request(demonstrations, exported, tmp_path):
    assert "observation.state" not in Reader(exported / "lossless").info["features"]
    export_lerobot(demonstrations, tmp_path / "d", observed_state=True)
    reader = Reader(tmp_path / "d")
    feature = reader.info["features"]["observation.state"]
    assert feature["dtype"] == "float32" and feature["shape"] == [STATE_WIDTH] == [len(set(feature["names"]))]
    for index in range(len(demonstrations)):
        assert np.array_equal(
            reader.column(index, "observation.state"), observe(demonstrations.trajectory(index).states)
        )
    stats = reader.stats["observation.state"]
    assert np.allclose(stats["mean"], observe(demonstrations.states).mean(axis=0), atol=1e-4)


def test_the_page_gives_each_feature_its_type_and_shape(demonstrations, tmp_path):
    export_lerobot(demonstrations, tmp_path / "d", observed_state=True)
    features = Reader(tmp_path / "d").info["features"]
    page = (Path(__file__).parents[4] / "docs/exchange.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", page.split("| feature |")[1].split("\n\n")[0], re.MULTILINE)
    told = [pair for names, types in rows for pair in zip(names.split(", "), re.split(r", (?!\))", types), strict=True)]
    for name, kind in told:
        feature = features[name.strip("`")]
        shape = {"video": ""}.get(kind, f" ({feature['shape'][0]},)" if feature["shape"] != [1] else "")
        assert kind == f"{feature['dtype']}{shape}"
    assert len(told) >= 7


def test_frames_and_their_times(demonstrations, reader):
    lossy = reader.root.name == "lossy"
    for index in range(len(demonstrations)):
        expected = demonstrations.trajectory(index).frames
        frames, times = reader.film(index)
        assert frames.shape == expected.shape
        assert np.allclose(times, reader.column(index, "timestamp"), rtol=0, atol=1e-6)
        errors = np.abs(frames.astype(np.int16) - expected).mean(axis=(1, 2, 3))
        assert errors.max() < 12 if lossy else not errors.any()
        if lossy:  # and each frame is nearest to its own place: none was dropped, doubled or shifted
            assert errors.max() > 0
            shifted = np.abs(frames[1:].astype(np.int16) - expected[:-1]).mean()
            assert shifted > 1.3 * errors.mean()


def test_frames_are_not_small_by_being_gone(exported):
    sizes = [next((exported / name).glob("videos/*/*/*.mp4")).stat().st_size for name in ("lossy", "lossless")]
    assert 0 < sizes[0] < sizes[1]


def test_the_task_is_the_index_that_pandas_makes(reader):
    assert reader.tasks.schema.pandas_metadata["index_columns"] == ["task"]
    assert reader.tasks.to_pylist() == [{"task_index": 0, "task": "Get to a jump pad."}]
    assert all(row["tasks"] == ["Get to a jump pad."] for row in reader.episodes)


def test_statistics_are_those_of_all_steps(demonstrations, reader):
    actions, frames = demonstrations.actions, demonstrations.frames / 255.0
    for name, values, axes in (("action", actions, 0), (CAMERA, frames, (0, 1, 2))):
        stats = {key: np.array(value) for key, value in reader.stats[name].items()}
        for key in ("min", "max", "mean", "std"):
            assert np.allclose(stats[key].ravel(), getattr(values, key)(axis=axes)), (name, key)
        assert stats["count"] == len(actions)
    assert np.array(reader.stats[CAMERA]["mean"]).shape == (3, 1, 1)
    assert {"timestamp", "next.reward", "states"} < reader.stats.keys()


def test_large_datasets_are_split_into_files(demonstrations, tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot, "DATA_MEGABYTES", 0)
    monkeypatch.setattr(lerobot, "FILES_PER_CHUNK", 4)
    export_lerobot(demonstrations, tmp_path / "d")
    reader = Reader(tmp_path / "d")
    places = [(row["data/chunk_index"], row["data/file_index"]) for row in reader.episodes]
    assert places == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    assert len(list((tmp_path / "d").glob("videos/*/*/*.mp4"))) == len(places)
    for index in (0, 3, 5):
        assert np.array_equal(reader.column(index, "action"), demonstrations.trajectory(index).actions)
        assert np.array_equal(reader.film(index)[0], demonstrations.trajectory(index).frames)


def test_faults_get_one_clear_error(demonstrations, tmp_path):
    with pytest.raises(ValueError, match="exists"):
        export_lerobot(demonstrations, tmp_path)
    bare = dataclasses.replace(demonstrations.trajectory(0), frames=None)
    write_dataset(tmp_path / "bare", [bare], seed=0, description={"goals": GOALS})
    with pytest.raises(ValueError, match="needs frames"):
        export_lerobot(Dataset(tmp_path / "bare"), tmp_path / "d")
    odd = dataclasses.replace(bare, frames=demonstrations.trajectory(0).frames[:, :47])
    write_dataset(tmp_path / "odd", [odd], seed=0, description={"goals": GOALS})
    with pytest.raises(ValueError, match="47x64"):
        export_lerobot(Dataset(tmp_path / "odd"), tmp_path / "d", lossy=True)
    export_lerobot(Dataset(tmp_path / "odd"), tmp_path / "d")
    assert np.array_equal(Reader(tmp_path / "d").film(0)[0], odd.frames)


@pytest.mark.parametrize("name", ["pyarrow", "av"])
def test_missing_packages_are_named(demonstrations, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=rf"needs {name}: pip install .*\[exchange\]"):
        export_lerobot(demonstrations, tmp_path / "d")
    assert list(tmp_path.iterdir()) == []
