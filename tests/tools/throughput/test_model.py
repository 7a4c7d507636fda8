"""The model of many machines: its limits in closed form, and its command."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.throughput.model import SHOWN, Parameters, main, predict

ROOT = Path(__file__).parents[3]
P = Parameters(
    episodes=2**20,
    update_episodes=64,
    block=256,
    chunk=1024,
    bandwidth=1e8,
    steps=80.0,
    longest=100,
    efficiency=1.0,
    start_seconds=4.0,
    task_seconds=0.001,
    play_seconds=0.005,
    environment_seconds=1e-4,
    act_seconds=1e-3,
    act_row_seconds=1e-4,
    state_bytes=2e4,
    frame_bytes=1e6,
    receive_state_seconds=1e-5,
    receive_frame_seconds=1e-3,
    write_seconds=4e-5,
    store_seconds=2e-3,
    draw_seconds=1e-4,
    weight_bytes=4e6,
    learn_seconds=3e-4,
    learn_parts=4,
)
FREE = dataclasses.replace(  # workers alone cost something
    P,
    bandwidth=1e18,
    start_seconds=0.0,
    task_seconds=0.0,
    receive_state_seconds=0.0,
    receive_frame_seconds=0.0,
    write_seconds=0.0,
    store_seconds=0.0,
    draw_seconds=0.0,
    learn_seconds=0.0,
)
STREAMS = ("collect", "rollouts")


def changed(parameters: Parameters, **values: float) -> Parameters:
    return dataclasses.replace(parameters, **values)  # pyright: ignore[reportArgumentType]


def test_one_core_does_everything_one_after_the_other():
    receive = P.task_seconds / P.block + P.receive_state_seconds + P.write_seconds
    draw = P.steps * (P.draw_seconds + P.task_seconds / P.chunk) + P.receive_frame_seconds + P.store_seconds
    people = P.play_seconds + receive + draw
    assert predict(P, 1, 1)["collect"].seconds == pytest.approx(P.start_seconds + P.episodes * people)
    stepped = P.longest * (P.environment_seconds + P.act_seconds / P.block + P.act_row_seconds)
    agent = stepped - (P.longest - P.steps) * P.draw_seconds + receive + draw
    assert predict(P, 1, 1)["rollouts"].seconds == pytest.approx(P.start_seconds + P.episodes * agent)


def test_an_update_on_one_core_in_closed_form():
    playing = P.longest * (P.act_seconds + 64 * (P.act_row_seconds + P.environment_seconds))
    learning = 64 * (P.receive_state_seconds + P.receive_frame_seconds + P.steps * P.learn_seconds)
    assert predict(P, 1, 1)["align"].seconds == pytest.approx(P.task_seconds + playing + learning)


@pytest.mark.parametrize("work", SHOWN)
def test_one_node_needs_no_wire_and_two_do(work):
    slow = changed(P, bandwidth=1.0)
    assert predict(slow, 1, 4)[work].seconds == predict(P, 1, 4)[work].seconds
    assert predict(slow, 2, 4)[work].seconds > 1000 * predict(P, 2, 4)[work].seconds
    assert predict(slow, 2, 4)[work].limit == "wire"


@pytest.mark.parametrize("work", STREAMS)
def test_workers_that_cost_nobody_else_anything_scale_by_their_number(work):
    one = predict(FREE, 1, 1)[work]
    for nodes, cores in ((1, 8), (2, 4), (64, 16)):
        several = predict(FREE, nodes, cores)[work]
        assert several.limit == "cores" and several.per_second == pytest.approx(nodes * cores * one.per_second)


def test_cores_that_slow_each_other_count_less_but_a_single_one_in_full():
    slower = changed(FREE, efficiency=0.5)
    for work in SHOWN:
        assert predict(slower, 2, 1)[work].seconds == predict(FREE, 2, 1)[work].seconds
        assert predict(slower, 2, 4)[work].seconds == pytest.approx(2 * predict(FREE, 2, 4)[work].seconds)


def test_a_narrow_wire_carries_what_it_can_whatever_the_number_of_cores():
    narrow = changed(FREE, bandwidth=1e6)
    for nodes, cores in ((2, 8), (8, 8), (8, 64)):
        for work, copies in (("collect", 0), ("rollouts", nodes - 1)):
            found = predict(narrow, nodes, cores)[work]
            away = P.episodes * (P.state_bytes + P.frame_bytes) * (nodes - 1) / nodes
            assert found.limit == "wire" and found.seconds == pytest.approx((copies * P.weight_bytes + away) / 1e6)


def test_a_driver_takes_one_episode_after_the_other_whatever_the_number_of_nodes():
    busy = changed(
        FREE, receive_state_seconds=0.001, write_seconds=0.003, receive_frame_seconds=0.002, store_seconds=0.005
    )
    for nodes in (64, 512):
        for work in STREAMS:
            found = predict(busy, nodes, 16)[work]
            assert found.limit == "driver" and found.per_second == pytest.approx(1 / (0.001 + 0.003 + 0.002 + 0.005))


def test_all_cores_draw_as_many_as_there_are_chunks():
    drawing = changed(FREE, play_seconds=0.0, draw_seconds=0.001)
    for nodes in (1, 64, 512):
        found = predict(drawing, nodes, 8)["collect"]
        assert found.limit == "cores"
        assert found.seconds == pytest.approx(FREE.episodes * FREE.steps * 0.001 / (nodes * 8))
    few = changed(drawing, episodes=1024)  # 80 chunks
    assert predict(few, 64, 8)["collect"].limit == "parts"
    assert predict(few, 64, 8)["collect"].seconds == pytest.approx(1024 * 0.001), "a chunk each"


def test_workers_without_a_block_are_idle():
    few = changed(FREE, episodes=8 * 256)
    eight = predict(few, 1, 8)["collect"]
    assert eight.limit == "cores" and eight.seconds == pytest.approx(256 * FREE.play_seconds)
    assert predict(few, 1, 7)["collect"].seconds == pytest.approx(2 * eight.seconds), "the last block plays alone"
    many = predict(few, 64, 8)["collect"]
    assert many.limit == "parts" and many.seconds == pytest.approx(eight.seconds)


def test_a_start_is_paid_once():
    short = changed(FREE, episodes=256, start_seconds=100.0)
    found = predict(short, 1, 1)["collect"]
    assert found.limit == "start" and found.seconds == pytest.approx(100.0 + 256 * FREE.play_seconds)


def test_an_update_stops_gaining_when_each_worker_plays_one_episode():
    single = FREE.longest * (FREE.act_seconds + FREE.act_row_seconds + FREE.environment_seconds)
    assert predict(FREE, 8, 8)["align"].seconds == pytest.approx(single)
    assert predict(FREE, 8, 8)["align"].limit == "cores"
    assert predict(FREE, 64, 8)["align"].limit == "parts"
    assert predict(FREE, 64, 8)["align"].seconds == pytest.approx(single)
    copies = changed(FREE, bandwidth=1e6)
    difference = predict(copies, 128, 1)["align"].seconds - predict(copies, 64, 1)["align"].seconds
    episodes = 64 * (FREE.state_bytes + FREE.frame_bytes) * (1 / 64 - 1 / 128) / 1e6
    assert difference == pytest.approx(64 * FREE.weight_bytes / 1e6 + episodes), "a copy of the weights for each node"


def test_learning_uses_the_cores_of_one_node_up_to_the_parts_of_a_batch():
    learning = changed(FREE, learn_seconds=1.0, longest=1)
    seconds = {cores: predict(learning, 1, cores)["align"].seconds for cores in (1, 2, 4, 64)}
    for cores, share in ((1, 1), (2, 2), (4, 4), (64, 4)):
        assert seconds[cores] == pytest.approx(64 * FREE.steps / share, rel=1e-3)
    assert predict(learning, 512, 1)["align"].limit == "driver"


def test_no_nodes_and_no_cores_are_refused():
    for nodes, cores in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match=f"got {nodes} and {cores}"):
            predict(P, nodes, cores)


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tools.throughput", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)


@pytest.mark.slow
def test_measured_parameters_predict_again_from_their_file(tmp_path):
    options = ("--episodes", "5000", "--nodes", "1", "3", "--cores", "2")
    done = run(*options, "--preset", "smoke", "--seconds", "0.2", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    found = Parameters(**made["parameters"])
    assert found.episodes == 5000 and found.bandwidth == 1.25e9
    positive = set(vars(found)) - {"act_seconds", "write_seconds"}  # differences of noisy times
    assert all(getattr(found, name) > 0 for name in positive)
    assert found.frame_bytes > 50 * 32 * 32 * 3, "32x32 pixels a step"
    assert found.chunk == 2**24 // (32 * 32 * 3)
    assert {(each["nodes"], each["work"]) for each in made["predictions"]} == {(n, w) for n in (1, 3) for w in SHOWN}
    (tmp_path / "here.json").write_text(done.stdout)
    again = run(*options, "--parameters", str(tmp_path / "here.json"), "--json")
    assert json.loads(again.stdout) == made
    shown = run(*options, "--parameters", str(tmp_path / "here.json"))
    assert "extrapolated, not measured" in shown.stdout
    collected = predict(found, 3, 2)["collect"]
    assert f"{collected.per_second:,.1f} {collected.limit}" in shown.stdout


@pytest.mark.parametrize(
    ("content", "words"), [("{}", "is missing"), ("[", "damaged"), ('{"parameters": {}, "predictions": []}', "missing")]
)
def test_a_file_without_parameters_is_refused(tmp_path, content, words):
    (tmp_path / "here.json").write_text(content)
    with pytest.raises(ValueError, match=f"here.json is damaged.*{words}|here.json is {words}"):
        main(parameters=tmp_path / "here.json")


def test_numbers_out_of_range_are_refused():
    for name, wrong in {"nodes": (1, 0), "cores": 0, "episodes": 0, "gigabits": 0.0, "seconds": float("nan")}.items():
        with pytest.raises(ValueError, match=f"--{name}"):
            main(**{name: wrong})  # pyright: ignore[reportArgumentType]
