"""Worker processes are started only where they can import the main module."""

import sys
from types import ModuleType

import pytest

from agents.workers import processes
from agents.workers.processes import BLOCK, PlayerPool
from jumppad_env.machine.notices import MachineWarning


class Seats:
    def play(self, seeds):
        yield from seeds

    def close(self):
        pass


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
            with PlayerPool(lambda episodes, threads: Seats(), 2 * BLOCK, 2) as pool:
                assert list(pool.play(range(600))) == list(range(600))


def test_scripts_with_a_guard_and_notebooks_use_all_processes(tmp_path, monkeypatch):
    (tmp_path / "script.py").write_text("if __name__ == '__main__':\n    collect(CollectConfig(600), 'demo')\n")
    for file in (tmp_path / "script.py", None):
        run_as(monkeypatch, file)
        assert not processes._runs_again()
