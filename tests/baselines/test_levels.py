"""Agents on levels: they know their world from their demonstrations, and are trained, played and judged in it."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from agents.dataset.verification import verify
from agents.outcomes import on_levels, way_of
from agents.probes import PROBES
from agents.rollout import rollout
from agents.targets import Target, is_target
from agents.worlds import Elsewhere, WorldConfig
from baselines import artifact
from baselines.align import AlignConfig, align
from baselines.compare.compare import compare
from baselines.evaluate import EvaluateConfig, outcome_object, play_episodes, play_seeds
from baselines.finetune import FinetuneConfig, finetune
from baselines.models.network import NetworkConfig
from baselines.models.playing import seats
from baselines.models.policy import Policy
from baselines.models.reward_model import RewardModel
from baselines.pipeline import check, parse, run_pipeline
from baselines.preferences import PreferencesConfig, preferences
from baselines.preferences.labels import pad
from baselines.pretrain import PretrainConfig, pretrain
from baselines.rollouts import RolloutsConfig, rollouts
from baselines.stages import Stages
from baselines.training.loop import OptimizerConfig, read_metrics
from baselines.verify.verify import verify as audit
from jumppad_env.levels import COLORS, make_level
from jumppad_env.levels.settings import ISLANDS
from jumppad_env.world.state import CUE, LEVEL, TAKEN, TAKEN_BASE
from tools.fuzzing import miniature

WORLD = WorldConfig(environment=ISLANDS, num_levels=5, cue=True)
NETWORK = NetworkConfig(image_size=(16, 16), channels=(8,), width=32, layers=1, heads=2, context=8)
UPDATES = OptimizerConfig(updates=2)
FINETUNE = FinetuneConfig(UPDATES, batch_episodes=2)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Demonstrations on levels, and an agent that imitates them."""
    place = tmp_path_factory.mktemp("world")
    collect(CollectConfig(episodes=12, image_size=(16, 16), world=WORLD), place / "demos", workers=1)
    pretrain(PretrainConfig(NETWORK, UPDATES, batch_episodes=2), place / "demos", place / "base", device="cpu")
    return place


def test_an_agent_knows_the_world_of_its_demonstrations(world):
    assert Policy.from_pretrained(world / "base").world == WORLD


def test_it_is_rolled_out_and_evaluated_there(world):
    rollouts(RolloutsConfig(episodes=3), world / "base", world / "rollouts", device="cpu")
    dataset = Dataset(world / "rollouts")
    assert dataset.settings == WORLD.settings and verify(world / "rollouts", 50, 1)[0] == []
    played, _ = play_episodes(EvaluateConfig(episodes=4, levels=(70, 3)), world / "base", 0)
    assert {int(trajectory.states[0, LEVEL]) for trajectory in played} <= {70, 71, 72}
    outcome = outcome_object(played, {})
    assert sum(outcome["by_color"].values()) == pytest.approx(1) == sum(outcome["by_way"].values())


@pytest.mark.parametrize("probe", PROBES)
def test_it_is_disturbed_there(world, probe):
    played, found = play_episodes(EvaluateConfig(episodes=3, probe=probe), world / "base", 0, target=Target(("red",)))
    assert {int(trajectory.states[0, LEVEL]) for trajectory in played} <= set(range(WORLD.num_levels))
    assert found["probe"] == probe and found["recovered_target"]["target"] == "red"


@pytest.mark.parametrize("other", [WorldConfig(), dataclasses.replace(WORLD, pads=4)], ids=["classic", "four pads"])
def test_demonstrations_of_another_world_are_refused(world, tmp_path, other):
    collect(
        CollectConfig(episodes=3, population="direct_left", image_size=(16, 16), world=other), tmp_path / "d", workers=1
    )
    with pytest.raises(ValueError, match="made in another world than this agent's demonstrations"):
        finetune(
            FinetuneConfig(UPDATES, batch_episodes=2), world / "base", tmp_path / "d", tmp_path / "o", device="cpu"
        )


def test_other_levels_of_the_same_world_are_taken(world, tmp_path):
    other = dataclasses.replace(WORLD, start_level=100, num_levels=0, color_tie=1.0)
    collect(
        CollectConfig(episodes=3, population="direct_left", image_size=(16, 16), world=other), tmp_path / "d", workers=1
    )
    finetune(FINETUNE, world / "base", tmp_path / "d", tmp_path / "o", device="cpu")
    assert Policy.from_pretrained(tmp_path / "o").world == WORLD


def made(world, pads: tuple[int, ...], islands: int = 1, count: int = 3, level: int = 2, cue: int = 1):
    """An episode on a level that took these pads."""
    settings = dataclasses.replace(WORLD, pads=count, islands=islands).settings
    one = Dataset(world / "demos").trajectory(0)
    states = np.array(one.states)
    states[:, LEVEL], states[:, CUE] = level, cue
    states[-1, TAKEN] = sum((pad + 1) * TAKEN_BASE**index for index, pad in enumerate(pads))
    return dataclasses.replace(one, states=states, settings=settings, pad=pads[-1])


def test_targets_name_places_colors_and_the_flag(world):
    colors = make_level(2, dataclasses.replace(WORLD, islands=2).settings).colors
    right = COLORS[colors[1][2]]
    episode = made(world, (0, 2), islands=2)
    for name, reached in (
        ("left,right", True),
        (f"left,{right}", True),
        ("right,right", False),
        ("left,left", False),
        ("any,right", True),
    ):
        assert Target.parse(name).reached(episode) == reached
        assert Target.parse(name).share(on_levels([episode])) == reached
        assert pad(episode, Target.parse(name)) == float(reached)
    for unfinished in (made(world, (0, -1), islands=2), made(world, (-1, -1), islands=2)):
        assert not Target.parse("left,right").reached(unfinished) and not Target.parse("left,any").reached(unfinished)
        assert Target.parse("left,any").share(on_levels([unfinished])) == 0.0
    single = make_level(2, WORLD.settings).colors[0].tolist()
    episodes = [made(world, (place,)) for place in (0, 1, 2, -1)]
    followed = [Target.parse("cue").reached(episode) for episode in episodes]
    assert followed == [color == 1 for color in [*single, -1]] and sum(followed) == 1
    assert Target.parse("cue").share(on_levels(episodes)) == 0.25
    five = made(world, (3,), count=5)
    assert Target.parse("middle").reached(five) and not Target.parse("right").reached(five)


def test_targets_that_a_world_lacks_are_refused(world):
    with pytest.raises(ValueError, match="has 1 entries for 2 islands"):
        Target.parse("left").reached(made(world, (0, 2), islands=2))
    with pytest.raises(ValueError, match="names 'pink'"):
        Target.parse("pink")
    with pytest.raises(ValueError, match="without a flag no level shows a color"):
        Target.parse("cue").check(dataclasses.replace(WORLD, cue=False).settings)
    with pytest.raises(ValueError, match="'purple' is on no level"):
        Target.parse("purple").check(WORLD.settings)
    for name in ("red", "left,right"):
        with pytest.raises(ValueError, match=f"'{name}' is on no classic island; choose one of left, middle, right"):
            Target.parse(name).check(None)
    assert not any(map(is_target, ("", "up", "left,", "left right"))) and is_target("left,red")


def test_ways_name_places_and_colors(world):
    first, second = make_level(2, dataclasses.replace(WORLD, islands=2).settings).colors
    left, right = COLORS[first[0]], COLORS[second[2]]
    assert way_of(made(world, (0, 2), islands=2)) == f"left-{left}, right-{right}"
    assert way_of(made(world, (0, -1), islands=2)) == f"left-{left}, ..."
    assert way_of(made(world, (-1, -1), islands=2)) == "none"
    five = make_level(2, dataclasses.replace(WORLD, pads=5).settings).colors[0]
    assert way_of(made(world, (3,), count=5)) == f"middle-{COLORS[five[3]]}"


def test_shares_by_color_and_way_add_up(world):
    episodes = [made(world, (pad,)) for pad in (-1, 0, 0, 2)]
    found = on_levels(episodes)
    assert found["by_color"]["none"] == 0.25 and sum(found["by_color"].values()) == 1.0
    assert list(found["by_way"].values())[0] == 0.5 and sum(found["by_way"].values()) == 1.0
    assert on_levels([dataclasses.replace(episodes[0], settings=None)]) == {}


@pytest.mark.slow
def test_the_whole_procedure_on_levels_ends_in_a_report_that_knows_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    small, chain = miniature.PRESET, dataclasses.replace(WORLD, islands=2, cue=False)
    preset = dataclasses.replace(
        small,
        demonstrations=dataclasses.replace(small.demonstrations, world=chain),
        curated=dataclasses.replace(small.curated, world=chain),
        reward_model=dataclasses.replace(small.reward_model, token=None),
        video_episodes=1,
    )
    out = tmp_path / "run"
    results = run_pipeline(Stages("chain", preset, out, seed=0), ["left,red"])
    agents = {"base", "finetuned", "left,red_preference_finetuned", "left,red_aligned"}
    assert set(results["unseen"]) == agents
    assert all(artifact.is_finished(out / "evaluations" / f"{name}{end}") for name in agents for end in ("", "_unseen"))
    assert artifact.load_manifest(out / "left,red/preferences", "preferences")["config"]["target"] == "left,red"
    page = (out / "report" / "index.html").read_text()
    assert (
        "On levels" in page
        and page.count("<td>unseen</td>") == len(agents)
        and "Aligned left,red, it goes there" in page
    )
    assert (out / "videos" / "left,red_aligned.mp4").stat().st_size > 5_000
    assert audit(out).faults == []
    with pytest.raises(ValueError, match="has 1 entries for 2 islands"):
        preferences(PreferencesConfig(target="red"), out / "rollouts", tmp_path / "wrong")


def test_a_pipeline_refuses_targets_and_worlds_that_do_not_fit():
    def parsed(*words):
        return check(parse(["islands", "--out", "nowhere", *words]))

    parsed("--targets", "blue", "left")
    assert parse(["islands", "--out", "x"]).targets == ("red",)
    assert parse(["chain", "--out", "x"]).targets == ("left,right",)
    for words, said in (
        (("--targets", "purple"), "is on no level"),
        (("--targets", "left,right"), "must be one place or color"),
        (("--targets", "cue"), "without a flag"),
        (("--targets", "people_red"), "give --targets red"),
        (("--config.curated.pads", "4"), "another world than config.demonstrations"),
    ):
        with pytest.raises(ValueError, match=said):
            parsed(*words)


def test_agents_play_elsewhere_if_they_are_told(world, tmp_path):
    config = RolloutsConfig(episodes=3, levels=(70, 2), color_tie=1.0)
    rollouts(config, world / "base", tmp_path / "rollouts", device="cpu")
    entry = Dataset(tmp_path / "rollouts").manifest["environment"]
    assert (entry["start_level"], entry["num_levels"], entry["color_tie"]) == (70, 2, 1.0)
    levels = {int(Dataset(tmp_path / "rollouts").trajectory(index).states[0, LEVEL]) for index in range(3)}
    assert levels <= {70, 71}
    with pytest.raises(ValueError, match="Jumppad-v0 has no levels"):
        Elsewhere(color_tie=1.0).of(WorldConfig())


def test_an_aligned_agent_is_saved_with_the_world_of_its_demonstrations(world, tmp_path):
    with artifact.begin(tmp_path / "judge", kind="reward_model", config={}, seed=0, inputs={}):
        RewardModel(NETWORK).save_pretrained(tmp_path / "judge")
    config = AlignConfig(UPDATES, episodes=2, levels=(70, 2), color_tie=1.0, target="red")
    align(config, world / "base", tmp_path / "judge", tmp_path / "aligned", device="cpu")
    assert Policy.from_pretrained(tmp_path / "aligned").world == WORLD
    assert "success" in read_metrics(tmp_path / "aligned")[0]


def test_paired_evaluations_do_not_depend_on_the_name_of_the_agent(world, tmp_path):
    shutil.copytree(world / "base", tmp_path / "other")
    for paired in (True, False):
        played = [
            play_episodes(EvaluateConfig(episodes=3, paired=paired), agent, seed=0)[0]
            for agent in (world / "base", tmp_path / "other")
        ]
        same = [np.array_equal(a.states, b.states) for a, b in zip(*played, strict=True)]
        assert all(same) == paired


def test_people_find_their_way_on_levels_wherever_agents_do():
    with seats("direct_left", 12, world=WORLD) as (envs, actor):
        assert [trajectory.pad for trajectory in rollout(envs, actor, range(12), keep_frames=False)] == [0] * 12


def test_people_are_compared_with_an_agent_in_its_world(world, capsys):
    agents = (str(world / "base"), "direct_red")
    compare(agents, EvaluateConfig(episodes=6, probe="pushes"), target="red", as_json=True)
    rows = json.loads(capsys.readouterr().out)["rows"]
    own = {row["agent"]: row["mean"] for row in rows if row["measure"] == "own pad"}
    assert own["direct_red"] > 0.8 and own[agents[0]] < own["direct_red"]


def test_all_that_are_compared_play_the_same_levels(world, monkeypatch, tmp_path):
    asked = []

    def play(config, agent, seeds, label, world):
        asked.append((config.levels, config.color_tie, world))
        return play_seeds(dataclasses.replace(config, levels=(70, 2)), agent, seeds, label, world=world)

    monkeypatch.setattr("baselines.compare.compare.play_seeds", play)
    compare((str(world / "base"), "idle"), EvaluateConfig(episodes=2))
    compare((str(world / "base"), "idle"), EvaluateConfig(episodes=2, levels=(90, 0), color_tie=1.0))
    assert asked == [((0, WORLD.num_levels), 0.0, WORLD)] * 2 + [((90, 0), 1.0, WORLD)] * 2
    asked.clear()
    elsewhere = dataclasses.replace(WORLD, start_level=30, num_levels=2, color_tie=0.5)
    Policy.initialize(NETWORK, 0, {"world": elsewhere.entry}).save_pretrained(tmp_path / "other")
    compare((str(world / "base"), str(tmp_path / "other")), EvaluateConfig(episodes=2))
    assert asked == [((0, WORLD.num_levels), 0.0, WORLD)] * 2, "those of the first policy"


@pytest.mark.parametrize("elsewhere", [{"levels": (0, 200)}, {"color_tie": 0.0}])
def test_levels_are_refused_where_there_are_none(elsewhere):
    with pytest.raises(
        ValueError, match="Jumppad-v0 has no levels: leave out --levels and --color-tie, or take agents"
    ):
        compare(("human", "idle"), EvaluateConfig(episodes=1, **elsewhere))


def test_agents_of_different_worlds_cannot_be_compared(world, tmp_path):
    Policy.initialize(NETWORK, seed=0).save_pretrained(tmp_path / "classic")
    with pytest.raises(ValueError, match=r"classic plays in another world \(Jumppad-v0\) than .*base \(JumppadIslands"):
        compare((str(world / "base"), "human", str(tmp_path / "classic")), EvaluateConfig(episodes=1))
