"""A digest of the game: datasets and artifacts carry it, so that those of another game are recognized."""

import functools
import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jumppad_env.rules import CHARACTERS, PADS, RULES

GEOMETRY = ("island.xml", "character.xml", "controls.xml")
"""Files of `assets` that define what characters touch and how they move; the others are only drawn."""
DRAWN = {"visual", "statistic", "texture", "material", "light", "decor", "detail"}
"""Elements of MJCF, and classes of geoms, that no rule depends on."""
LOOKS = {"rgba", "material", "group"}
"""Attributes that no rule depends on."""


@functools.cache
def rules_digest() -> str:
    """Returns a digest of pads, characters, constants and geometry; the code of the rules is not part of it."""
    assets = resources.files("jumppad_env.assets")
    # As written, not as compiled: the last bits of compiled geometry depend on the processor.
    parsed = [ElementTree.fromstring(assets.joinpath(name).read_bytes()) for name in GEOMETRY]
    geometry = [told for root in parsed for told in _told(root)]
    characters = {name: asdict(traits) for name, traits in CHARACTERS.items()}
    game = {"pads": PADS, "characters": characters, "rules": RULES._asdict(), "geometry": geometry}
    return hashlib.sha256(json.dumps(game).encode()).hexdigest()


def _told(element: ElementTree.Element) -> Iterator[Any]:
    """Yields name and attributes of an element and of all below it, as far as rules depend on them."""
    if DRAWN & {element.tag, element.get("class", "")}:
        return
    yield element.tag, sorted((name, value.split()) for name, value in element.attrib.items() if name not in LOOKS)
    for below in element:
        yield from _told(below)


def warn_of_other_rules(directory: Path | str, digest: Any) -> None:
    """Warns if what a directory holds was made in another game.

    Args:
        directory: for the message.
        digest: `rules_digest()` when it was made; None: unknown.
    """
    if digest is not None and digest != rules_digest():
        warnings.warn(
            f"{directory} was made by other rules or on another map (digest {str(digest)[:8]} there, "
            f"{rules_digest()[:8]} here): its episodes do not replay here, and its agent may fail; make it again, or "
            "use the version of jumppad that made it",
            stacklevel=3,
        )
