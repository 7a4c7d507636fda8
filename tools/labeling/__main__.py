"""Measures the page for labeling: python -m tools.labeling NAME.

crowd: many simulated people over HTTP: how long an answer takes, and whether memory grows.
browser: one scripted person in Chromium, by keys: how long the page takes. The answers are kept.
accuracy: how well the reward model of a run, which learned from people, ranks its synthetic comparisons.

    python -m tools.labeling crowd runs/quick/rollouts --people 50 --answers 10000
    python -m tools.labeling browser runs/quick/rollouts --out runs/labels --target left --answers 60
    python -m tools.labeling accuracy runs/quick --target left  # after baselines.pipeline ... --labels runs/labels
    python -m tools.labeling browser --agent runs/quick/finetuned --out runs/online --target left --rounds 2
"""

import tyro

from jumppad_env.command_line import command_line
from tools.labeling.accuracy import accuracy
from tools.labeling.browser import browser
from tools.labeling.crowd import crowd

COMMANDS = {"crowd": crowd, "browser": browser, "accuracy": accuracy}

if __name__ == "__main__":
    with command_line():
        print(tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="python -m tools.labeling", description=__doc__))
