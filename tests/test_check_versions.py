"""The lowest versions that setup.cfg promises are read off it."""

from pathlib import Path

import pytest

from tools import check_versions

SETUP = (Path(__file__).parents[1] / "setup.cfg").read_text()


def test_each_requirement_is_pinned_to_its_lower_bound():
    wanted = ["numpy >=1.26", "torch >=2.5,<3", 'xlib >=0.33,<1; sys_platform == "linux"', "minari[hdf5] >=0.5.4,<0.6"]
    pinned = ["numpy==2.0", "torch==2.5", 'xlib==0.33; sys_platform == "linux"', "minari[hdf5]==0.5.4"]
    assert check_versions.lowest([*wanted, "numpy >=2.0", wanted[0]]) == pinned
    with pytest.raises(ValueError, match="'numpy' without a lowest version"):
        check_versions.lowest(["numpy"])


def test_all_that_setup_promises_has_a_lower_bound():
    pinned = check_versions.lowest(check_versions.requirements(SETUP, check_versions.EXTRAS))
    assert "gymnasium==1.1" in pinned and any(line.startswith("torch==") for line in pinned)
    with pytest.raises(ValueError, match="no extra nothing; choose among play, video"):
        check_versions.requirements(SETUP, ("nothing",))


def test_a_python_that_is_missing_is_named():
    with pytest.raises(ValueError, match=r"python3\.99 is not found"):
        check_versions.find_python("3.99")
