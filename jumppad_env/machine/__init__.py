"""What this machine can: how many cores may be used, and where compiled code is kept."""
