"""Prints the human population as Markdown tables: python -m agents.population."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from agents.population.person import DRAWN, Trait, Traits
from agents.population.populations import HUMAN, PEOPLE
from jumppad_env.command_line import command_line
from jumppad_env.rules import CHARACTERS


def tables() -> str:
    """Returns the human population as Markdown tables: shares of choices and distributions of traits."""
    lines = ["| choice | share of episodes, % | least and most of a person, % |", "|---|---|---|"]
    for (choice, share), chances in zip(HUMAN.shares.items(), HUMAN.chances.T, strict=True):
        lines.append(f"| `{choice}` | {100 * share:.1f} | {100 * chances.min():.1f} to {100 * chances.max():.1f} |")
    lines += ["", "| trait | at skill 0 | at skill 1 |", "|---|---|---|"]
    traits = Traits()
    for name in ("skill", *DRAWN):
        trait: Trait = getattr(traits, name)
        bounds = [f"{low:g} to {high:g}" for low, high in trait]
        lines.append(f"| `{name}` | {bounds[0]} | {bounds[1] if trait.clumsy != trait.expert else 'the same'} |")
    left = sum(person.first_side == "left" for person in HUMAN.people)
    shares = zip(CHARACTERS, traits.favorites, strict=True)
    favorites = ", ".join(f"{name} {100 * share:.0f}%" for name, share in shares)
    lines += ["", f"{PEOPLE} people, of whom {left} look to the left first. Favorite characters: {favorites}."]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agents.population", description="Print the human population as Markdown tables."
    )
    with command_line():
        parser.parse_args(arguments)
        print(tables())


if __name__ == "__main__":
    main()
