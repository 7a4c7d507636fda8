"""Worker processes are started only where they can import the main module and have something to do."""

import sys
from types import ModuleType

import pytest

from agents.workers import Processes, open_workers
from agents.workers.interface import Here
from agents.workers.processes import runs_again
from jumppad_env.machine.notices import MachineWarning


def run_as(monkeypatch, file) -> None:
    """Lets the main module be a script."""
    main = ModuleType("__main__")
    main.__file__ = file and str(file)
    monkeypatch.setitem(sys.modules, "__main__", main)


def test_a_script_without_a_guard_plays_in_one_process_and_says_how_to_use_all(tmp_path, monkeypatch):
    (tmp_path / "script.py").write_text("collect(CollectConfig(episodes=600), 'demo')\n")
    monkeypatch.setattr("jumppad_env.machine.notices._given", set())
    for file in (tmp_path / "script.py", "<stdin>"):
        run_as(monkeypatch, file)
        monkeypatch.setattr("jumppad_env.machine.notices._given", set())
        with pytest.warns(MachineWarning, match=r'if __name__ == "__main__":'):
            with open_workers(2, jobs=3) as workers:
                assert isinstance(workers, Here)


def test_scripts_with_a_guard_and_notebooks_use_all_processes(tmp_path, monkeypatch):
    (tmp_path / "script.py").write_text("if __name__ == '__main__':\n    collect(CollectConfig(600), 'demo')\n")
    for file in (tmp_path / "script.py", None):
        run_as(monkeypatch, file)
        assert not runs_again()
        with open_workers(2, jobs=3) as workers:
            assert isinstance(workers, Processes)


def test_as_many_processes_as_there_are_jobs_and_none_for_a_single_one():
    for count, jobs, found in ((3, 5, 3), (3, 2, 2), (3, 1, 1), (1, 5, 1)):
        with open_workers(count, jobs=jobs) as workers:
            assert workers.count == found
            assert not isinstance(workers, Here) or workers.threads == count
    with pytest.raises(ValueError, match="at least 1, got 0"), open_workers(0):
        pass
