import numpy as np
import pytest

from baselines.comparisons import compare


def test_the_chosen_reached_the_target_and_the_rejected_did_not():
    pads = np.array([0, 1, 2, -1] * 25)
    for target in range(3):
        pairs = compare(pads, target, 400, np.random.default_rng(0))
        assert (pads[pairs.chosen] == target).all() and (pads[pairs.rejected] != target).all()
        assert len(pairs.chosen) == len(pairs.rejected) == 400
        assert set(pads[pairs.rejected]) == {-1, 0, 1, 2} - {target}


@pytest.mark.parametrize("pads", [[1, 2, -1], [0, 0, 0]])
def test_without_contrast_there_is_nothing_to_compare(pads):
    with pytest.raises(ValueError, match="nothing to compare"):
        compare(np.array(pads), 0, 10, np.random.default_rng(0))
