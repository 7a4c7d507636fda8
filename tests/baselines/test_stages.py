"""A run directory: what it records of its preset, and what opens it again."""

import dataclasses
import json
import re

import pytest

from baselines.pipeline import check, parse
from baselines.presets import PRESETS
from baselines.stages import RUN, Stages
from jumppad_env.files import seal

SMOKE = PRESETS["smoke"]


def opened(out, preset=SMOKE, name="smoke", seed=0):
    return Stages(name, preset, out, seed)


def without(out, *keys):
    """Removes a setting from what the run recorded, as if it had been added to the code since."""
    content = json.loads((out / RUN).read_text())
    values = content["config"]
    for key in keys[:-1]:
        values = values[key]
    del values[keys[-1]]
    del content["sha256"]
    (out / RUN).write_text(seal(content))


@pytest.mark.parametrize(
    "keys", [("base", "shift"), ("aligned", "optimizer", "accumulate"), ("aligned",), ("rollouts",)]
)
def test_a_run_of_older_code_is_opened_by_newer_code(tmp_path, keys):
    opened(tmp_path)
    without(tmp_path, *keys)
    assert opened(tmp_path).preset == SMOKE


def test_a_setting_added_since_is_compared_with_its_default_and_named(tmp_path):
    opened(tmp_path)
    without(tmp_path, "base", "shift")
    shifted = dataclasses.replace(SMOKE, base=dataclasses.replace(SMOKE.base, shift=2))
    with pytest.raises(ValueError, match=r"another config: base\.shift 0 there, 2 requested; choose another --out"):
        opened(tmp_path, shifted)


def test_a_run_says_what_differs(tmp_path):
    opened(tmp_path)
    network = dataclasses.replace(SMOKE.base.network, width=32)
    wide = dataclasses.replace(SMOKE, base=dataclasses.replace(SMOKE.base, network=network), video_episodes=1)
    named = "base.network.width 64 there, 32 requested; video_episodes 4 there, 1 requested;"
    with pytest.raises(ValueError, match=re.escape(named)):
        opened(tmp_path, wide)
    with pytest.raises(ValueError, match="another seed: seed 0 there, 7 requested"):
        opened(tmp_path, seed=7)
    with pytest.raises(ValueError, match="another preset: preset smoke there, quick requested"):
        opened(tmp_path, PRESETS["quick"], "quick")


@pytest.mark.parametrize("words", [["smoke", "--out", "quick"], ["--out", "quick", "smoke"]])
def test_settings_are_those_of_the_preset_except_those_given(words):
    arguments = parse([*words, "--config.base.network.width", "256", "--config.video-episodes", "0"])
    network = dataclasses.replace(SMOKE.base.network, width=256)
    expected = dataclasses.replace(SMOKE, base=dataclasses.replace(SMOKE.base, network=network), video_episodes=0)
    assert arguments.preset == "smoke" and arguments.config == expected
    check(arguments)
    assert parse(words).config == SMOKE


def test_given_settings_are_recorded_and_open_the_run_again(tmp_path):
    words = ["smoke", "--out", str(tmp_path / "run"), "--config.aligned.episodes", "4"]
    for _ in range(2):
        arguments = parse(words)
        stages = opened(arguments.out, arguments.config)
    assert stages.preset.aligned.episodes == 4
    assert json.loads((tmp_path / "run" / RUN).read_text())["config"]["aligned"]["episodes"] == 4
    with pytest.raises(ValueError, match=r"aligned\.episodes 4 there, 32 requested"):
        opened(arguments.out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--config.demonstrations.seed", "3"], "give --seed instead"),
        (["--config.aligned.target", "right"], "give --targets instead"),
        (["--config.base.network.image-size", "64", "64"], "config.demonstrations.image_size .* give both the same"),
        (["--targets", "left", "left"], "different ones"),
    ],
)
def test_settings_that_could_not_work_are_refused_before_any_work(words, said):
    with pytest.raises(ValueError, match=said):
        check(parse(["smoke", "--out", "runs/x", *words]))


def test_the_total_is_the_time_that_passed_while_stages_ran(tmp_path):
    run = opened(tmp_path)
    lines = [
        {"stage": "old", "seconds": 5.0},  # of a version that did one after the other
        {"stage": "a", "seconds": 10.0, "ended": 110.0},
        {"stage": "b", "seconds": 30.0, "ended": 135.0},  # from 105 on, beside a
        {"stage": "c", "seconds": 4.0, "ended": 120.0},  # within b
        {"stage": "a", "seconds": 1.0, "ended": 201.0},  # another attempt
    ]
    (tmp_path / "timings.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run.seconds() == {"old": 5.0, "a": 11.0, "b": 30.0, "c": 4.0, "total": 41.0}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("5", "it is 5, not an object"),
        ("{}", "seconds is missing"),
        ('{"stage": "a", "seconds": "y"}', "seconds is 'y', not a number"),
        ('{"stage": ["x"], "seconds": 1}', "stage is a list, not a text"),
        ('{"stage": "a", "seconds": -1}', "seconds is -1, not a number from 0"),
        ('{"stage": "a", "seconds": 1, "ended": null}', "ended is null, not a number"),
        ("[" * 100_000, "no JSON"),
        ("\xff", "no JSON"),
        ('{"sta', "no JSON"),
    ],
)
def test_damaged_timings_are_named(line, said, tmp_path):
    run = opened(tmp_path)
    (tmp_path / "timings.jsonl").write_bytes(line.encode("latin-1") + b'\n{"stage": "a", "seconds": 1}\n')
    with pytest.raises(ValueError, match=rf"timings\.jsonl is damaged in line 1 \({said}.*\); delete it"):
        run.seconds()


def test_timings_that_are_no_file_are_refused_and_missing_ones_are_none(tmp_path):
    run = opened(tmp_path)
    assert run.seconds() == {"total": 0.0}
    (tmp_path / "timings.jsonl").mkdir()
    with pytest.raises(ValueError, match=r"timings\.jsonl is not a file"):
        run.seconds()


def test_a_timing_that_was_cut_off_is_left_out_before_and_after_the_next_one(tmp_path):
    run = opened(tmp_path)
    (tmp_path / "timings.jsonl").write_text('{"stage": "a", "seconds": 5.0}\n{"stage": "b", "sec')
    assert run.seconds() == {"a": 5.0, "total": 5.0}
    run.timed("c", lambda: None)
    assert run.seconds().keys() == {"a", "c", "total"}
