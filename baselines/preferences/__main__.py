"""The command `python -m baselines.preferences`."""

import tyro

from baselines.preferences.synthetic import preferences
from jumppad_env.command_line import command_line

if __name__ == "__main__":
    with command_line():
        tyro.cli(preferences, prog="python -m baselines.preferences")
