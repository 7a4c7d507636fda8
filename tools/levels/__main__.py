"""Checks and measures levels by the thousand: python -m tools.levels NAME.

solvable: people reach every pad of every island.
random: random play escapes from no island and gets stuck in no wall.
resets: what a level that was not seen before takes, in time and memory.
speed: decisions per second, beside the classic island.
outcomes: where people end on levels, beside the classic island.

Each prints one table. With `--out FILE.jsonl` finished work is kept, and the same command resumes after it was stopped.
"""

import tyro

from jumppad_env.command_line import command_line
from tools.levels.outcomes import outcomes
from tools.levels.random_play import random_play
from tools.levels.resets import resets
from tools.levels.solvable import solvable
from tools.levels.speed import speed

COMMANDS = {"solvable": solvable, "random": random_play, "resets": resets, "speed": speed, "outcomes": outcomes}

if __name__ == "__main__":
    with command_line():
        print(tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="python -m tools.levels", description=__doc__))
