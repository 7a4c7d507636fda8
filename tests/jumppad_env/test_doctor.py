import os
import subprocess
import sys

import pytest

from jumppad_env import compiled, doctor


def run(**environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "jumppad_env.doctor"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_a_working_installation_is_reported_with_numbers():
    result = run()
    assert result.returncode == 0, result.stdout + result.stderr
    for word in ("python", "mujoco", "gymnasium", "numpy", "torch", "pygame", "moviepy", "numba", "cores", "renderer"):
        assert word in result.stdout
    assert "frames/s" in result.stdout and "missing" not in result.stdout


def test_failing_rendering_is_reported_with_its_remedy(monkeypatch, capsys):
    def fails(size: int):
        raise OSError("nothing but one color")

    monkeypatch.setattr(doctor, "frames_per_second", fails)
    assert not doctor.examine()
    assert "missing:   nothing but one color" in capsys.readouterr().out


def test_missing_assets_are_not_blamed_on_numba(monkeypatch, capsys):
    def fails() -> float:
        raise FileNotFoundError("the assets are missing; install the package again")

    monkeypatch.setattr(doctor, "steps_per_second", fails)
    assert not doctor.examine()
    said = capsys.readouterr().out
    assert "missing:   the assets are missing; install the package again\n" in said and "pip install --up" not in said


def test_only_folders_of_ours_are_said_to_be_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "PACKAGE", tmp_path / "package")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(compiled.CONFIG, "CACHE_DIR", str(tmp_path / "a place"))  # /tmp, or what others keep as well
    assert "rm" not in doctor.delete_cache(), "nothing is kept yet"
    kept, _, own = compiled.cache_directories()
    for folder in (kept, own):
        folder.mkdir(parents=True)
    assert doctor.delete_cache() == f"rm -r '{kept}' {own}"


@pytest.mark.parametrize(("package", "needed"), [("gymnasium", True), ("torch", False), ("pygame", False)])
def test_missing_packages_are_named_with_the_install_command(package, needed, monkeypatch, capsys):
    found = doctor.version
    monkeypatch.setattr(doctor, "version", lambda name: None if name.startswith(package) else found(name))
    monkeypatch.setattr(doctor, "FRAMES", 2)
    assert doctor.examine() != needed
    said = capsys.readouterr().out
    assert ("missing:   pip install gymnasium" in said) == needed
    assert (f'optional:  pip install "{package}' in said) != needed


def test_the_exit_code_says_whether_everything_works(monkeypatch):
    for works, code in ((True, 0), (False, 1)):
        monkeypatch.setattr(doctor, "examine", lambda works=works: works)
        monkeypatch.setattr(sys, "argv", ["doctor"])
        with pytest.raises(SystemExit) as caught:
            doctor.main()
        assert caught.value.code == code
