"""Independent, named random streams from one integer seed.

A stream is keyed by its name and by indices such as the update or the episode. A new stream does not change the others,
and any part of a run can be repeated alone.
"""

import zlib

import numpy as np


def _sequence(seed: int, name: str, indices: tuple[int, ...]) -> np.random.SeedSequence:
    if seed < 0 or any(index < 0 for index in indices):
        raise ValueError(f"seeds and indices must be non-negative integers, got seed {seed} and indices {indices}")
    return np.random.SeedSequence(int(seed), spawn_key=(zlib.crc32(name.encode()), *map(int, indices)))


def stream(seed: int, name: str, *indices: int) -> np.random.Generator:
    """Return the generator of this seed, name and indices.

    Args:
        seed: The command's seed, at least 0.
        name: Purpose of the numbers, such as `"batches"`.
        *indices: Position within that purpose (update, episode, ...), each at least 0.

    Raises:
        ValueError: If the seed or an index is negative.
    """
    return np.random.default_rng(_sequence(seed, name, indices))


def integer_seed(seed: int, name: str, *indices: int) -> int:
    """Return an integer seed in [0, 2**31), keyed as in `stream`.

    Raises:
        ValueError: If the seed or an index is negative.
    """
    return int(_sequence(seed, name, indices).generate_state(1)[0] >> 1)
