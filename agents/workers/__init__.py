"""Many episodes at a time: blocks of seeds in, episodes in their order out."""
