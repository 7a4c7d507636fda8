"""The command `python -m baselines.report`."""

import sys

from baselines.report.report import main

if __name__ == "__main__":
    sys.exit(main())
