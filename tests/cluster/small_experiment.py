"""An experiment that takes seconds: three agents of the same people."""

from agents.collect import CollectConfig
from baselines.evaluate import EvaluateConfig, load_outcome
from baselines.models.network import NetworkConfig
from baselines.pretrain import PretrainConfig
from baselines.training.loop import OptimizerConfig, read_metrics

TINY = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=16, layers=1, heads=2, context=4)
UPDATES = (10, 20, 30)


def measure(stages):
    """Trains the agents and lets them play."""
    people = stages.demonstrations("people", config=CollectConfig(episodes=24, image_size=(16, 16)))
    agents, found = [], []
    for updates in UPDATES:
        optimizer = OptimizerConfig(updates=updates)
        config = PretrainConfig(network=TINY, optimizer=optimizer, batch_episodes=4)
        agents.append(stages.base(f"base_{updates}", config=config, demonstrations=people))
        found.append(stages.evaluation(f"base_{updates}", agents[-1], EvaluateConfig(episodes=8)))
    yield
    return [
        {"updates": len(read_metrics(agent)), "none": load_outcome(evaluation)["none"]}
        for agent, evaluation in zip(agents, found, strict=True)
    ]
