"""Work on datasets: statistics, verification, rendering, merging and splitting. docs/datasets.md describes it.

python -m agents.dataset verify runs/demonstrations
"""

from jumppad_env.dataset import Dataset, write_dataset

__all__ = ["Dataset", "write_dataset"]
