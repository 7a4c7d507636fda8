"""How fast the environment is on this machine; `python -m jumppad_env.bench`."""
