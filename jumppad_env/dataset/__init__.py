"""The dataset format: writing, reading and checking it. Commands that work on datasets are in `agents.dataset`."""

from jumppad_env.dataset.reading import Dataset
from jumppad_env.dataset.trajectory import Trajectory
from jumppad_env.dataset.writing import write_dataset

__all__ = ["Dataset", "Trajectory", "write_dataset"]
