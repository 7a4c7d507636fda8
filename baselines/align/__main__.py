"""The command `python -m baselines.align`: the paper's method, REINFORCE."""

import sys

from baselines.align.reinforce import main

if __name__ == "__main__":
    sys.exit(main())
