"""The command `python -m baselines.curves`."""

from baselines.curves.curves import main

if __name__ == "__main__":
    main()
