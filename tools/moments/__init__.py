"""Every state of the disk that a killed command can leave, and the same command again from there."""
