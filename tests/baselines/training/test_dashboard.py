"""Metrics for TensorBoard: written where it is installed, and never in the way of a training."""

import importlib.util
import sys

import pytest

from baselines.training.dashboard import Dashboard

HERE = importlib.util.find_spec("tensorboard") is not None


def write(directory, values, first=0):
    with Dashboard(directory, first) as dashboard:
        for update, value in enumerate(values, first):
            dashboard.add({"update": update, "loss": value})


@pytest.mark.skipif(HERE, reason="TensorBoard is installed")
def test_without_tensorboard_nothing_is_written(tmp_path, capsys):
    write(tmp_path, [1.0])
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().err


@pytest.mark.skipif(HERE, reason="TensorBoard is installed")
def test_a_broken_tensorboard_costs_one_warning(tmp_path, monkeypatch, capsys):
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "__init__.py").write_text("raise RuntimeError('of another protobuf')")
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path / "training", [1.0, 2.0])
    sys.modules.pop("tensorboard", None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("warning: no metrics for TensorBoard (") and "protobuf" in said


@pytest.mark.skipif(not HERE, reason="TensorBoard is not installed: pip install tensorboard")
def test_metrics_are_those_of_the_last_attempt(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import (  # pyright: ignore[reportMissingImports]
        EventAccumulator,
    )

    write(tmp_path, [1.0, 2.0, 3.0, 4.0])
    write(tmp_path, [30.0, 40.0, 50.0], first=2)  # killed, and resumed from the state after two updates
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (0, 1),
        (1, 2),
        (2, 30),
        (3, 40),
        (4, 50),
    ]
