"""How networks learn: the loop, the optimizer, the imitation loss."""
