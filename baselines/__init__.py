"""The imitation-then-align agent: networks, one file per stage, evaluation and report."""

import os

import agents  # noqa: F401  # before matplotlib is imported
from jumppad_env.machine.cores import count_cores, has_quota

if has_quota():  # before torch is imported, which would start a thread for every core that it sees
    os.environ.setdefault("OMP_NUM_THREADS", str(count_cores()))
