"""Training: the loop, the optimizer, the imitation loss."""
