import dataclasses

import pytest

from agents.collect import CollectConfig, collect
from agents.population import CURATED, POPULATIONS


def test_a_pad_that_nobody_chooses_ends_in_an_error(tmp_path, monkeypatch):
    monkeypatch.setitem(POPULATIONS, "curated", dataclasses.replace(CURATED, shares={"direct_left": 1.0}))
    config = CollectConfig(episodes=3, population="curated", image_size=None)
    with pytest.raises(ValueError, match="1060 runs .* still missing: .*1 of direct_middle, 1 of direct_right"):
        collect(config, tmp_path / "d", workers=1)
