import json
import runpy

import numpy as np
import pytest
import torch

from agents.outcomes import NAMES, summarize
from agents.probes import PROBE_STEPS, PROBES
from agents.rollout import make_envs, rollout
from agents.targets import Target
from baselines import artifact, evaluate
from baselines.evaluate import EvaluateConfig, play_episodes
from baselines.models import playing
from baselines.models.network import NetworkConfig
from baselines.models.policy import Policy
from baselines.training.loop import OptimizerConfig, read_metrics, train
from jumppad_env.streams import integer_seed, stream

TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)


@pytest.fixture
def checkpoint(tmp_path):
    with artifact.begin(tmp_path / "tiny", kind="policy", config={}, seed=0, inputs={}) as work:
        Policy.initialize(TINY, seed=0).save_pretrained(work.directory)
    return tmp_path / "tiny"


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["evaluate", *map(str, arguments)])
    runpy.run_module("baselines.evaluate", run_name="__main__", alter_sys=True)
    return capsys.readouterr().out


def test_without_a_probe_episodes_are_those_of_their_seeds(checkpoint):
    played, found = play_episodes(EvaluateConfig(episodes=2), checkpoint, seed=5)
    assert found == {}
    actor, image_size, _ = playing.make_actor(checkpoint, 2)
    envs = make_envs(2, image_size)
    expected = rollout(envs, actor, [integer_seed(5, "evaluate tiny", index) for index in range(2)])
    for one, other in zip(played, expected, strict=True):
        assert one.seed == other.seed and np.array_equal(one.states, other.states)
        assert one.frames is None and len(one) <= 100
    envs.close()


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_of_a_policy_does_not_depend_on_how_many_play(checkpoint, monkeypatch, probe):
    config = EvaluateConfig(episodes=3, probe=probe)
    together, found = play_episodes(config, checkpoint, seed=5)
    monkeypatch.setattr("agents.workers.playing.BLOCK", 1)
    alone, again = play_episodes(config, checkpoint, seed=5)
    assert found == again and found["probe"] == probe
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.states, other.states) and np.array_equal(one.actions, other.actions)


def test_probed_episodes_last_longer():
    usual, longer = EvaluateConfig(episodes=3), EvaluateConfig(episodes=3, probe="pushes")
    for config, steps in ((usual, 100), (longer, PROBE_STEPS)):
        played, _ = play_episodes(config, "idle", seed=5)
        assert [len(trajectory) for trajectory in played] == [steps] * 3


def test_the_artifact_of_a_probe_holds_what_it_found(checkpoint, tmp_path):
    out = tmp_path / "evaluation"
    config = EvaluateConfig(episodes=3, probe="odd_start")
    evaluate.evaluate(config, checkpoint, out, seed=5)
    outcome = json.loads((out / evaluate.OUTCOMES).read_text())
    played, found = play_episodes(config, checkpoint, seed=5)
    assert outcome == {**summarize([t.pad for t in played], [len(t) for t in played]), **found}
    assert {"probe", "probed", "recovered", "recovered_ci95", "recovered_at"} <= set(outcome)
    manifest = artifact.load_manifest(out, "evaluation")
    assert manifest["metrics"] == outcome and manifest["config"]["probe"] == "odd_start"


def test_without_a_probe_the_outcome_object_is_what_it_was(checkpoint, tmp_path):
    evaluate.evaluate(EvaluateConfig(episodes=1), checkpoint, tmp_path / "evaluation", seed=5)
    outcome = json.loads((tmp_path / "evaluation" / evaluate.OUTCOMES).read_text())
    assert list(outcome) == ["episodes", "none", "left", "middle", "right", "ci95", "mean_seconds"]


def test_a_damaged_outcome_is_named(checkpoint, tmp_path):
    out = tmp_path / "evaluation"
    evaluate.evaluate(EvaluateConfig(episodes=1), checkpoint, out, seed=5)
    assert evaluate.load_outcome(out)["episodes"] == 1
    path = out / evaluate.OUTCOMES
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ValueError, match=r"outcomes\.json is damaged; delete .*evaluation and run"):
        evaluate.load_outcome(out)


def test_the_target_of_an_agent_is_the_pad_it_was_aligned_to(tmp_path):
    for name, config in (("aligned", {"target": "right"}), ("base", {})):
        with artifact.begin(tmp_path / name, kind="policy", config=config, seed=0):
            pass
    assert evaluate.target_of(str(tmp_path / "aligned")) == Target(("right",))
    assert evaluate.target_of(str(tmp_path / "base")) is None and evaluate.target_of("human") is None


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_people_are_evaluated_by_name(monkeypatch, capsys):
    out = run(monkeypatch, capsys, "direct_left", "--episodes", 8, "--json")
    assert json.loads(out)["left"] > 0.8
    lines = run(monkeypatch, capsys, "direct_left", "--episodes", 8, "--probe", "forced_miss").splitlines()
    assert lines[1].startswith("direct_left (disturbed)") and lines[2].startswith("forced_miss: ")
    assert [line.split()[0] for line in lines[3:]] == ["camera", "stick", "speed"]
    asked = json.loads(run(monkeypatch, capsys, "direct_left", "--episodes", 8, "--probe", "forced_miss", "--json"))
    assert asked["recovered_at"]["left"] == asked["recovered"] > 0.8 and asked["episodes"] == 8


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_every_label_is_reported_and_so_are_ones_own(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_measures.py").write_text(
        "from baselines.preferences.labels import first, pad, speed\n"
        "def steps(trajectory, target):\n    return len(trajectory)\nfast = first(pad, then=speed)"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = ("--labels", "my_measures:steps", "my_measures:fast", "--target", "right")
    outcome = json.loads(run(monkeypatch, capsys, "direct_right", "--episodes", 6, "--json", *own))
    found = outcome["labels"]
    expected = ["camera", "stick", "speed", "my_measures:steps", "my_measures:fast pad", "my_measures:fast speed"]
    assert list(found) == expected
    assert found["my_measures:steps"]["mean"] == pytest.approx(10 * outcome["mean_seconds"])
    assert found["my_measures:fast pad"]["mean"] == outcome["right"] > 0.5
    assert found["speed"] == found["my_measures:fast speed"]
    low, high = found["speed"]["ci95"]
    assert 4 < low < found["speed"]["mean"] < high < 9  # m/s


def test_a_policy_is_evaluated_while_it_trains_and_learns_no_other_way(tmp_path):
    def trained(name, every):
        policy = Policy.initialize(TINY, seed=0)

        def compute_loss(update):
            frames = torch.from_numpy(stream(0, "frames", update).integers(0, 256, (2, 5, 16, 16, 3), dtype=np.uint8))
            return policy.network(frames).square().mean(), {}

        watch = playing.while_training(policy, every, 5, seed=3, episodes=2)
        config = OptimizerConfig(updates=5, warmup_updates=0)
        train(policy.network, compute_loss, config, tmp_path / name, description="test", after_update=watch)
        return policy, read_metrics(tmp_path / name)

    (alone, usual), (watched, lines) = trained("alone", 0), trained("watched", 2)
    assert [line["update"] for line in lines if "played_left" in line] == [1, 3, 4]
    assert all(sum(line[f"played_{name}"] for name in NAMES) == 1.0 for line in lines if "played_left" in line)
    assert [{key: line[key] for key in usual[0]} for line in lines] == usual
    for one, other in zip(alone.network.parameters(), watched.network.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="evaluate_every must be at least 0, got -1"):
        playing.while_training(watched, -1, 5, seed=3)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["human", "--probe", "wind"], "wind"),
        (["nobody"], "neither a directory nor a scripted population"),
        (["human", "--episodes", "0"], "at least 1"),
        (["human", "--labels", "wind"], "label 'wind' is unknown"),
    ],
)
def test_mistakes_end_with_exit_code_2(monkeypatch, capsys, arguments, said):
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, capsys, *arguments)
    assert stopped.value.code == 2 and said in capsys.readouterr().err
