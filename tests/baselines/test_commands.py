"""The stages' commands: their options are the parameters of the stage's function, and mistakes end in one line."""

import inspect
import re
import runpy

import pytest

from baselines.align import align
from baselines.finetune import finetune
from baselines.preference_finetune import preference_finetune
from baselines.preferences import preferences
from baselines.pretrain import pretrain
from baselines.reward import reward
from baselines.rollouts import rollouts

STAGES = (pretrain, finetune, rollouts, preferences, reward, preference_finetune, align)
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning"),
    pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__),
]


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command and returns its exit code, stdout and stderr."""

    def run(command, *arguments):
        monkeypatch.setattr("sys.argv", [command, *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as stopped:
            runpy.run_module(f"baselines.{command}", run_name="__main__", alter_sys=True)
        return stopped.value.code, *capsys.readouterr()

    return run


def test_the_options_are_the_parameters_and_all_are_explained(run, stage):
    code, out, _ = run(stage.__name__, "--help")
    assert code == 0 and out.startswith(f"usage: python -m baselines.{stage.__name__} ")
    names = re.findall(r"^\W --([a-z][\w.-]*)", out, re.MULTILINE)
    options = {name.split(".")[0].replace("-", "_") for name in names}
    parameters = set(inspect.signature(stage).parameters)
    if stage is rollouts:  # its configuration needs no prefix
        parameters = parameters - {"config"} | {"episodes", "temperature", "levels", "color_tie"}
    if stage is align:  # --config.actors is long for what stands beside --cluster
        parameters |= {"actors"}
    assert options == parameters
    text = " ".join(re.sub("[|│]", " ", out).split())
    assert len(re.findall(r"\. \((?:required|default: [^)]*)\)", text)) == len(names)


def test_a_wrong_path_ends_in_one_line_before_anything_is_written(run, stage, tmp_path):
    parameters = inspect.signature(stage).parameters.values()
    needed = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    paths = {f"--{name.replace('_', '-')}": tmp_path / name for name in needed if name != "config"}
    code, _, err = run(stage.__name__, *(word for option in paths.items() for word in option))
    assert code == 2 and len(err.splitlines()) == 1 and err.startswith("error: ")
    assert any(str(path) in err for path in paths.values())
    assert not list(tmp_path.iterdir())
