"""What the processes of torchrun do in `test_distributed.py`, all in float32.

torchrun -m tests.baselines.training.ranks command baselines.pretrain --out ...    # READ and KILLED: see below
torchrun -m tests.baselines.training.ranks stages FOLDER
"""

import dataclasses
import os
import runpy
import signal
import sys
from pathlib import Path

from agents.dataset import Dataset
from baselines.finetune import FinetuneConfig, finetune
from baselines.models import precision
from baselines.models.network import NetworkConfig
from baselines.preference_finetune import PreferenceFinetuneConfig, preference_finetune
from baselines.pretrain import PretrainConfig, pretrain
from baselines.reward import RewardConfig, reward
from baselines.training import distributed, loop
from baselines.training.loop import OptimizerConfig
from jumppad_env.command_line import command_line

READ = "TEST_READ"
"""Names the folder where each rank lists the episodes that it reads."""
KILLED = "TEST_KILLED"
"""A rank and an update, as in "1 40": amid the update, the rank gets SIGKILL."""

NETWORK = NetworkConfig(image_size=(16, 16), channels=(8, 8), width=32, layers=1, heads=2, context=5)
PRETRAIN = PretrainConfig(
    NETWORK, dataclasses.replace(PretrainConfig().optimizer, updates=100), batch_episodes=5, shift=2, evaluate_every=60
)
FEW = OptimizerConfig("muon", updates=6, warmup_updates=1, accumulate=2)


def make(folder: Path, made: Path) -> None:
    """Makes the other agents from FOLDER's inputs: uneven batches, some with episodes of a second dataset."""
    base, people, rollouts = folder / "alone", folder / "people", folder / "others"
    finetune(FinetuneConfig(FEW, 3, 2), base, rollouts, made / "finetuned", mixed=people)
    reward(RewardConfig(FEW, 5), base, rollouts, folder / "preferences", made / "reward")
    config = PreferenceFinetuneConfig(0.5, FEW, 3, 2)
    preference_finetune(config, base, rollouts, folder / "stages_alone/reward", made / "preferred", mixed=people)


def stages(folder: Path) -> None:
    """Goes on with a training that one process began; makes the other agents; and asks for what is refused."""
    pretrain(PRETRAIN, folder / "people", folder / "begun")
    make(folder, folder / "stages_shared")
    try:
        pretrain(dataclasses.replace(PRETRAIN, batch_episodes=1), folder / "people", folder / "refused")
    except ValueError as error:
        print(error)
    data = ("people", "others")[distributed.rank()]
    pretrain(PRETRAIN, folder / data, folder / "refused")


def watch(read: str | None, killed: str | None) -> None:
    """Lets this process write down what it reads, or die."""
    rank = os.environ["RANK"]
    if read:
        load = Dataset.trajectory

        def trajectory(self: Dataset, index: int):
            with (Path(read) / rank).open("a") as file:
                file.write(f"{index}\n")
            return load(self, index)

        Dataset.trajectory = trajectory
    if killed and killed.split()[0] == rank:
        compute = loop.compute_gradient

        def compute_gradient(*arguments):
            if arguments[-1] == int(killed.split()[1]):
                os.kill(os.getpid(), signal.SIGKILL)
            return compute(*arguments)

        loop.compute_gradient = compute_gradient


if __name__ == "__main__":
    precision.has_bfloat16 = lambda device: False
    what, *words = sys.argv[1:]
    if what == "command":
        watch(os.environ.get(READ), os.environ.get(KILLED))
        sys.argv = words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        with command_line(), distributed.processes():
            stages(Path(words[0]))
