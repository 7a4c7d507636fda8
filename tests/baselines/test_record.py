import imageio_ffmpeg
import numpy as np
import pytest

from baselines import record
from baselines.models import playing
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy

TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


def test_the_same_seed_plays_the_same_episodes():
    seeds = record.episode_seeds(4, 3)
    first, again = record.play("human", seeds), record.play("human", seeds[1:])
    for one, other in zip(first[1:], again, strict=True):
        assert one.seed == other.seed and np.array_equal(one.states, other.states)
    assert record.episode_seeds(5, 3) != seeds


@pytest.fixture
def checkpoint(tmp_path):
    Policy.initialize(TINY, seed=0).save_pretrained(tmp_path / "left" / "aligned")
    return tmp_path / "left" / "aligned"


def test_a_policy_gets_images_of_its_own_size(checkpoint):
    _, image_size, _ = playing.make_actor(str(checkpoint), 2)
    assert image_size == TINY.image_size
    assert record.agent_title(str(checkpoint)) == "left / aligned"
    assert record.agent_title(f"{checkpoint.parent}/two\nlines") == "left / two lines", "captions have one"
    assert playing.make_actor("direct_left", 2)[1] is None


def test_the_title_of_an_agent_of_a_run_is_its_place_inside(tmp_path):
    for run in ("one", "deep/er/two"):
        inside = tmp_path / run / "left" / "aligned"
        inside.mkdir(parents=True)
        (tmp_path / run / "run.json").write_text("{}")
        assert record.agent_title(str(inside)) == "left / aligned"
        assert record.agent_title(f"{tmp_path / run}/base") == "base"
        assert record.agent_title(f"{tmp_path / run}/some/study/left/preference_finetuned") == (
            "some / study / left / preference finetuned"
        )


@pytest.mark.slow
def test_the_bytes_of_a_film_do_not_depend_on_the_name_of_the_run(tmp_path):
    films = []
    for run in ("one", "another run"):
        Policy.initialize(TINY, seed=0).save_pretrained(tmp_path / run / "base")
        (tmp_path / run / "run.json").write_text("{}")
        record.record_grid(str(tmp_path / run / "base"), 1, film := tmp_path / run / "base.mp4", seed=0)
        films.append(film.read_bytes())
    assert films[0] == films[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "--out", "{}"], "neither a directory nor a scripted population"),
        (["human", "--out", "{}", "--episodes", "0"], "at least 1"),
        (["human", "--out", "{}"], "exists and is no unfinished artifact"),
    ],
)
def test_mistakes_end_in_one_line_before_any_work(arguments, said, tmp_path, capsys):
    (tmp_path / "episode_003.mp4").write_text("precious")
    if arguments[0] == "nobody":
        (tmp_path / "episode_003.mp4").unlink()
    with pytest.raises(SystemExit) as stopped:
        record.main([argument.format(tmp_path) for argument in arguments])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] in ([], ["precious"])


@pytest.mark.slow
def test_a_policy_is_filmed_from_the_command_line(checkpoint, tmp_path, capsys):
    out = tmp_path / "films"
    arguments = [str(checkpoint), "--out", str(out), "--episodes", "1", "--grid", "--gif"]
    record.main(arguments)
    assert sorted(path.name for path in out.iterdir()) == [
        "episode_000.mp4",
        "grid.mp4",
        "manifest.json",
        "preview.gif",
    ]
    (trajectory,) = record.play(str(checkpoint), record.episode_seeds(0, 1))
    assert imageio_ffmpeg.count_frames_and_secs(str(out / "episode_000.mp4"))[0] == len(trajectory) + 10
    assert "1 episodes" in capsys.readouterr().out
    before = (out / "grid.mp4").read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    record.main(arguments)
    assert stamps == {path: path.stat().st_mtime_ns for path in out.iterdir()}, "a finished recording is left alone"
    with pytest.raises(SystemExit):
        record.main([*arguments[:-1], "--seed", "1"])
    assert "holds another configuration: gif True there, False requested; seed 0 there" in capsys.readouterr().err
    record.main([*arguments, "--overwrite"])
    assert (out / "grid.mp4").read_bytes() == before
