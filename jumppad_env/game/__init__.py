"""The game of `python -m jumppad_env.play`: episodes in real time, controlled by a person."""
