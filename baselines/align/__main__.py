"""The command `python -m baselines.align`: the paper's method, REINFORCE."""

import tyro

from baselines.align.reinforce import align
from jumppad_env.command_line import command_line

if __name__ == "__main__":
    with command_line():
        tyro.cli(align, prog="python -m baselines.align")
