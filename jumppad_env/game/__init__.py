"""The game that `python -m jumppad_env.play` opens: episodes in real time, with a person at the controls."""
