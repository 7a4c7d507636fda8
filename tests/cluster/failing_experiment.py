"""An experiment that fails once its artifacts are there."""

from agents.collect import CollectConfig


def measure(stages):
    """Makes a dataset and raises."""
    stages.demonstrations("people", config=CollectConfig(episodes=4, image_size=None))
    yield
    raise ValueError("no rows today")
