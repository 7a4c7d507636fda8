"""The command `python -m baselines.label`."""

import tyro

from baselines.label.config import LabelConfig
from baselines.label.serve import serve
from jumppad_env.command_line import command_line

if __name__ == "__main__":
    with command_line():
        serve(tyro.cli(LabelConfig, prog="python -m baselines.label"))
