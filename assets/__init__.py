"""Data of the environment (MJCF and what it needs), installed as `jumppad_env.assets`."""
