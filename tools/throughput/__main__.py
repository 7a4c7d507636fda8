"""See `tools.throughput.model`."""

import tyro

from jumppad_env.command_line import command_line
from tools.throughput.model import main

if __name__ == "__main__":
    with command_line(stopped="stopped"):
        tyro.cli(main, prog="python -m tools.throughput")
