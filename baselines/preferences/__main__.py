"""The command `python -m baselines.preferences`."""

import sys

from baselines.preferences.synthetic import main

if __name__ == "__main__":
    sys.exit(main())
