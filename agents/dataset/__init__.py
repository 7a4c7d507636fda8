"""Datasets: read, verified, redrawn, put together and taken apart. docs/datasets.md is their page.

python -m agents.dataset verify runs/demonstrations
"""

from agents.dataset.reading import Dataset
from jumppad_env.dataset_writer import write_dataset

__all__ = ["Dataset", "write_dataset"]
