"""Scripted "humans": they see the state but act only through the gamepad, at 10 Hz, with delay and noise."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np

from agents.modes import Intent, View
from agents.person import draw_person
from agents.population import MODES, Population
from jumppad_env import gamepad
from jumppad_env.island import Island, load_island
from jumppad_env.rules import RULES
from jumppad_env.streams import stream

NOISE_STEPS = 128
"""Noise is drawn ahead for so many steps and then repeats, which is longer than an episode."""


class Demonstrator:
    """One person for one episode.

    Args:
        population: where the mode and the skill are drawn from.
        seed: of the episode; the same seed behaves the same.
        island: the map that the person knows.
    """

    def __init__(self, population: Population, seed: int, island: Island | None = None) -> None:
        generator = stream(seed, "demonstrator")
        names = list(population.shares)
        self.mode: str = names[int(generator.choice(len(names), p=list(population.shares.values())))]
        self.skill = float(generator.uniform(*population.skill))
        self.person = draw_person(generator, self.skill)
        self._strategy = MODES[self.mode](island or load_island(), self.person, generator)
        self._noise = generator.normal(size=(NOISE_STEPS, 4)).tolist()
        self._chance = generator.random((NOISE_STEPS, 4)).tolist()
        # Views wait here until the person has reacted to them.
        self._seen: deque[View] = deque(maxlen=self.person.reaction_steps)
        self._drift = self._noise[0][3] * self.person.drift

    def act(self, view: View) -> list[int]:
        """Returns the action, 16 integers."""
        person = self.person
        self._seen.append(view)
        noise = self._noise[view.step % NOISE_STEPS]
        chance = self._chance[view.step % NOISE_STEPS]
        memory = person.drift_memory
        self._drift = memory * self._drift + math.sqrt(1 - memory * memory) * person.drift * noise[3]
        intent = Intent() if view.step < person.start_steps else self._strategy.intend(self._seen[0])

        action = [gamepad.CENTER] * len(gamepad.AXES) + [0] * len(gamepad.BUTTONS)
        if intent.go is not None:
            # A person steers relative to the picture: the camera's direction is seen without delay.
            angle = intent.go + self._drift - view.camera_yaw
            action[gamepad.LEFT_X] = _bucket(-math.sin(angle) * intent.pace * 1.1 + person.tremor * noise[0])
            action[gamepad.LEFT_Y] = _bucket(math.cos(angle) * intent.pace * 1.1 + person.tremor * noise[1])
        if intent.look is not None:
            error = math.remainder(intent.look - view.camera_yaw, 2 * math.pi)
            if abs(error) > person.camera_deadband:
                rate = person.camera_gain * error / (RULES.camera_turn_rate * RULES.control_step)
                # The response of the stick is quadratic, and people have learned it.
                turn = math.copysign(math.sqrt(min(1.0, abs(rate))), -rate)
                action[gamepad.RIGHT_X] = _bucket(turn + person.tremor * noise[2])
        for button in intent.press:
            action[button] = 1
        if chance[0] < person.hop and intent.go is not None:
            action[gamepad.A] = 1
        if chance[3] < person.jab and intent.go is not None:
            action[gamepad.X] = 1
        if chance[1] < person.fidget:
            idle_buttons = len(gamepad.BUTTONS) - 4  # all but A, B, X, Y
            action[gamepad.Y + 1 + int(chance[2] * idle_buttons)] = 1
        return action


def _bucket(deflection: float) -> int:
    return round((min(1.0, max(-1.0, deflection)) + 1.0) * gamepad.CENTER)


class Crowd:
    """Demonstrators in the rows of a vector environment: the acting interface shared with learned agents."""

    def __init__(self, population: Population, count: int) -> None:
        self.population = population
        self._island = load_island()
        self._demonstrators: list[Demonstrator | None] = [None] * count
        self._steps = [0] * count

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Seats a new person in the masked rows.

        Args:
            rows: bool (N,).
            seeds: int (N,), of the episodes; read in the masked rows only.
        """
        for row in np.flatnonzero(rows):
            self._demonstrators[row] = Demonstrator(self.population, int(seeds[row]), self._island)
            self._steps[row] = 0

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns uint8 (N, 16); looks at the infos only."""
        actions = np.tile(gamepad.NEUTRAL, (len(self._steps), 1))
        positions = infos["position"].tolist()
        speeds = np.hypot(infos["velocity"][:, 0], infos["velocity"][:, 1]).tolist()
        yaws, pads = infos["camera_yaw"].tolist(), infos["pad"].tolist()
        for row, demonstrator in enumerate(self._demonstrators):
            if demonstrator is None:
                continue
            x, y, z = positions[row]
            view = View(self._steps[row], x, y, z, speeds[row], yaws[row], pads[row])
            actions[row] = demonstrator.act(view)
            self._steps[row] += 1
        return actions

    def mode(self, row: int) -> str:
        """Returns the ground truth of what the person in a row is up to."""
        demonstrator = self._demonstrators[row]
        return "" if demonstrator is None else demonstrator.mode
