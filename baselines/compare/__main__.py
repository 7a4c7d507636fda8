"""The command `python -m baselines.compare`."""

import tyro

from baselines.compare.compare import compare
from jumppad_env.command_line import command_line

if __name__ == "__main__":
    with command_line():
        tyro.cli(compare, prog="python -m baselines.compare")
