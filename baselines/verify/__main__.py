"""The command `python -m baselines.verify`."""

import tyro

from baselines.verify.verify import print_verification
from jumppad_env.command_line import command_line

if __name__ == "__main__":
    with command_line():
        raise SystemExit(tyro.cli(print_verification, prog="python -m baselines.verify"))
