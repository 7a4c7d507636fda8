"""The graph of what experiments need: that it is what they make, and what is refused."""

import pickle
import re

import pytest

from baselines.laboratory.experiment import rows_of
from baselines.laboratory.graph.nodes import NamedStages, build, unmade
from baselines.laboratory.graph.task import Task
from baselines.presets import PRESETS
from baselines.reproduce.experiments import EXPERIMENTS
from baselines.stages import Stages
from jumppad_env.files import MANIFEST
from tools.fuzzing.miniature import PRESET

CHEAP = ("outcomes", "heat_maps", "imitation_gap", "alignment_curves", "realignment")


def make_tasks(out, seeds=(0,)):
    fitting = [each for each in EXPERIMENTS if "smoke" in each.presets]
    return [Task(each.name, each.measure.__module__, "smoke", seed, out) for each in fitting for seed in seeds]


def written(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


@pytest.mark.slow
def test_an_experiment_names_what_it_makes_before_it_reads_and_makes_nothing_more(tmp_path, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    there = set()
    for experiment in EXPERIMENTS:
        if experiment.name in CHEAP:
            named = NamedStages("smoke", PRESET, tmp_path / "named", 0)
            assert next(experiment.measure(named), None) is None and not (tmp_path / "named").exists()
            stages = Stages("smoke", PRESET, tmp_path / "made", 0)
            assert rows_of(experiment.measure(stages))
            there |= set(named.named)
            made = {path.parent.relative_to(stages.out).as_posix() for path in stages.out.rglob(MANIFEST)}
            assert made == there, experiment.name


def test_the_graph_of_all_experiments_is_in_order_can_be_sent_and_writes_nothing(tmp_path):
    tasks = make_tasks(tmp_path / "out", seeds=(0, 1))
    nodes = build(tasks)
    assert unmade(nodes) == nodes and not written(tmp_path)
    done = set()
    for node in nodes:
        assert done.issuperset(node.needs) and node.name not in done
        done.add(node.name)
        assert pickle.loads(pickle.dumps(node.work)).args[0] == node.task
    assert [node.task for node in nodes if node.stage is None] == tasks
    by_name = {node.name: node for node in nodes}
    aligned = by_name["seed-1/left/aligned"]
    assert aligned.needs == ("seed-1/left/preference_finetuned", "seed-1/left/reward_model")
    assert aligned.kind == "align" and aligned.makes == tmp_path / "out" / "seed-1" / "left" / "aligned"
    rows = by_name["rows/realignment/seed-1.json"]
    assert rows.makes == tmp_path / "out/rows/realignment/seed-1.json" and rows.kind == "realignment"
    assert {"seed-1/left/aligned", "seed-1/right/aligned_from_left", "seed-1/evaluations/right_aligned"} <= {
        *rows.needs
    }
    assert not any("seed-0" in need for need in rows.needs)
    assert "seed-1/left/aligned_from_base" in by_name and "seed-1/left/aligned_from_base" not in rows.needs


def test_what_is_finished_is_not_to_be_made(tmp_path):
    task = make_tasks(tmp_path)[0]
    before = {node.name for node in build([task])}
    task.open()
    for name in ("demonstrations", "base"):
        (tmp_path / "seed-0" / name).mkdir(parents=True)
        (tmp_path / "seed-0" / name / MANIFEST).touch()
    assert {node.name for node in unmade(build([task]))} == before - {"seed-0/demonstrations", "seed-0/base"}


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Returns the task of an experiment that names what a function names."""
    folder = tmp_path / "experiments"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def write(name, line):
        imports = "from baselines.evaluate import EvaluateConfig\n"
        (folder / f"{name}.py").write_text(f"{imports}def measure(stages):\n    {line}\n    yield\n    return []\n")
        return Task(name, name, "smoke", 0, tmp_path / "out")

    return write


def test_experiments_that_disagree_on_an_artifact_are_refused(experiment):
    one = experiment("one_of_two", "stages.evaluation('base', stages.base())")
    same = experiment("same_of_two", "stages.evaluation('base', stages.base(), EvaluateConfig(episodes=64))")
    other = experiment("other_of_two", "stages.evaluation('base', stages.base(), EvaluateConfig(episodes=65))")
    third = experiment("third_of_two", "stages.evaluation('base', stages.finetuned())")
    assert len(build([one, same])) == len(build([one])) + 1
    named = (
        r"evaluations/base is named with two settings: episodes 64 there, 65 requested; give one of them another name"
    )
    with pytest.raises(ValueError, match=named):
        build([one, other])
    with pytest.raises(ValueError, match=r"agent .*seed-0/base there, .*seed-0/finetuned requested"):
        build([one, third])


def test_an_artifact_that_reads_what_nobody_makes_is_refused(experiment, tmp_path):
    lost = experiment("lost_agent", "stages.evaluation('lost', stages.out / 'lost')")
    said = f"seed-0/evaluations/lost needs {tmp_path / 'out/seed-0/lost'}, which is named nowhere before it"
    with pytest.raises(ValueError, match=re.escape(said)):
        build([lost])


def test_work_that_cannot_be_sent_is_refused(experiment):
    with pytest.raises(ValueError, match=r"the work of x is <function .*>, not a functools\.partial"):
        build([experiment("lambda_of_mine", "stages.make('x', lambda out: out)")])


def test_a_directory_of_another_run_is_refused(tmp_path):
    Stages("smoke", PRESETS["smoke"], tmp_path / "seed-0", 7)
    with pytest.raises(ValueError, match="another seed: seed 7 there, 0 requested"):
        build(make_tasks(tmp_path))
    (tmp_path / "seed-1").mkdir()
    (tmp_path / "seed-1" / "mine.txt").touch()
    with pytest.raises(ValueError, match="is not a run directory"):
        build(make_tasks(tmp_path, seeds=(1,)))
