import dataclasses

import numpy as np
import pytest

from jumppad_env.world.options import Options


def test_the_defaults_are_the_documented_ones():
    assert dataclasses.asdict(Options()) == {
        "observation": "pixels",
        "actions": "gamepad",
        "image_size": (128, 128),
        "target": None,
        "character": "rider",
        "variety": "none",
        "terminate_on_pad": True,
        "flight_steps": 6,
        "render_mode": None,
        "render_size": (360, 600),
    }


@pytest.mark.parametrize("size", [[64, 96], (64, 96), np.array([64, 96])])
def test_sizes_can_be_json_lists(size):
    assert Options(image_size=size).image_size == (64, 96)
    assert all(type(side) is int for side in Options(image_size=size).image_size)


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("observation", ["rgb", None, 1, True, ["pixels"], np.zeros(2)]),
        ("actions", ["keyboard", "Discrete", None, 1, ["discrete"]]),
        ("target", ["Left", "", 0, True, ["left"]]),
        ("character", ["nobody", None, 0, ["rider"]]),
        ("variety", ["lots", None, 3]),
        ("render_mode", ["ansi", "depth_array", True]),
        ("image_size", [64, "64", (64,), (64, 64, 3), (7, 64), (64, 2049), (64.5, 64), ("a", "b"), None, (-64, 64)]),
        ("render_size", [360, (360,), (0, 0), None]),
        ("terminate_on_pad", [1, 0, "no", None]),
        ("flight_steps", [-1, 1.5, "6", None, True]),
    ],
)
def test_every_bad_value_is_one_error_that_names_keyword_and_value(keyword, values):
    for value in values:
        with pytest.raises(ValueError) as caught:
            Options(**{keyword: value})
        message = str(caught.value)
        assert message.startswith(f"{keyword}={value!r} ") and "\n" not in message, message
        assert any(remedy in message for remedy in ("choose one of", "must be")), message


def test_the_message_lists_what_is_allowed():
    with pytest.raises(ValueError, match="'left', 'middle', 'right'"):
        Options(target="center")


def test_options_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().target = "left"  # pyright: ignore[reportAttributeAccessIssue]
