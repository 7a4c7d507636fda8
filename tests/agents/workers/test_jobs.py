"""Jobs that share the cores as processes: what a failure, a death and a stop leave behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from agents.workers import Processes
from agents.workers.graph import Job, run_graph

pytestmark = pytest.mark.slow


def note(path: Path) -> None:
    path.write_text(os.environ["TQDM_DISABLE"])


def fail(path: Path) -> None:
    raise ValueError(f"no {path.name} today")


def die(path: Path) -> None:
    os._exit(9)


def test_a_job_that_fails_or_dies_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    works = {"a": fail, "b": die, "c": note, "d": note, "e": note}
    jobs = [Job(name, partial(work, tmp_path / name)) for name, work in works.items()]
    seen, errors = set(), {}
    with closing(Processes(2)) as processes:
        run_graph(
            jobs,
            processes,
            watch=lambda running: seen.update(job.name for job in running),
            ended=lambda job, error: errors.__setitem__(job.name, error),
        )
    assert seen == set(works) == set(errors)
    assert [name for name, error in errors.items() if error] and str(errors["a"]) == "no a today"
    assert "terminated abruptly" in str(errors["b"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("cde", "1")
    assert "TQDM_DISABLE" not in os.environ, "only workers are silent"


ENDLESS = """
import signal, sys, time
from functools import partial
from pathlib import Path
from contextlib import closing
from agents.workers import Processes
from agents.workers.graph import Job, run_graph

def wait(path):
    path.write_text(str(__import__("os").getpid()))
    time.sleep(3600)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where a shell runs tests in the background
    with closing(Processes(2)) as processes:
        run_graph([Job(name, partial(wait, Path(sys.argv[1]) / name)) for name in "ab"], processes)
"""


def test_workers_end_with_a_process_that_is_stopped(tmp_path):
    (script := tmp_path / "endless.py").write_text(ENDLESS)
    (out := tmp_path / "out").mkdir()
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, str(script), str(out)], env=environment, stderr=subprocess.DEVNULL)
    assert soon(lambda: len([path for path in out.iterdir() if path.read_text()]) == 2)
    process.send_signal(signal.SIGINT)
    process.wait(600)
    workers = [int(path.read_text()) for path in out.iterdir()]
    assert soon(lambda: not any(map(alive, workers)))


TRAINING = """
import sys
from functools import partial
from pathlib import Path
from contextlib import closing
from agents.workers import Processes
from agents.workers.graph import Job, run_graph
from jumppad_env.command_line import command_line
from tests.baselines.training.tiny import imitation, network_of
from baselines.training.loop import OptimizerConfig, train

def learn(directory):
    network = network_of()
    compute_loss = imitation(network)

    def slowly(update):
        if update == 3:
            (directory / "learns").touch()
        return compute_loss(update)

    endless = OptimizerConfig("muon", updates=10**6)
    train(network, slowly, endless, directory, description=directory.name, checkpoint_seconds=1e9)

if __name__ == "__main__":
    import signal
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with command_line():
        with closing(Processes(2)) as processes:
            run_graph([Job(name, partial(learn, Path(sys.argv[1]) / name)) for name in "ab"], processes)
"""


@pytest.mark.parametrize(("way", "to"), [(signal.SIGINT, "all"), (signal.SIGTERM, "the parent")])
def test_trainings_in_workers_save_what_they_have_when_all_is_stopped(tmp_path, way, to):
    """A terminal sends Ctrl-C to all processes of a command, and a scheduler may send SIGTERM to all."""
    (script := tmp_path / "training.py").write_text(TRAINING)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script), str(tmp_path)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert soon(lambda: len(list(tmp_path.glob("*/learns"))) == 2)
    os.killpg(process.pid, way) if to == "all" else process.send_signal(way)
    _, said = process.communicate()
    assert process.returncode == 128 + way and "Traceback" not in said
    assert said.endswith("run the same command again to resume\n")
    for name in "ab":
        assert f"{name}: saved at update " in said
        assert (tmp_path / name / "training_state" / "state.safetensors").is_file()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def soon(holds) -> bool:
    end = time.monotonic() + 600
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()
