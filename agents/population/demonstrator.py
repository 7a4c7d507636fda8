"""Scripted people who observe the state but act only through the gamepad, at 10 Hz, with delay and noise."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from typing import Any

import numpy as np

from agents.population.modes import GOALS, WAIT, Mode, View
from agents.population.populations import LEVEL_MODES, MODES, Population
from agents.population.ways import mirror_island, mirror_name
from agents.rollout import Truth
from jumppad_env import gamepad
from jumppad_env.island import Places, load_island
from jumppad_env.levels import LevelSettings, make_level
from jumppad_env.rules import RULES
from jumppad_env.streams import stream

NOISE_STEPS = 128
"""Steps for which noise is drawn in advance, more than an episode has; after that it repeats."""
DRIFT_MEMORY = 0.85
"""Share of the slow heading error that remains after a step."""
HOP, JAB = 0.016, 0.012
"""Chances per step that bored and bold people jump, and that bored people attack, for fun while moving."""

_DRIFT_STEP = math.sqrt(1 - DRIFT_MEMORY**2)  # keeps its standard deviation constant
_GOAL = {goal: index for index, goal in enumerate(GOALS)}
_FULL_TURN = RULES.camera_turn_rate * RULES.control_step  # rad in a step


class Demonstrator:
    """One person in one episode.

    Attributes:
        person: the person who plays.
        modes: mode of behavior on each island so far.
        goals: indices into `GOALS`, one per step so far.

    Args:
        population: population that the person is drawn from.
        seed: seed of the episode; with the islands it determines all behavior.
    """

    def __init__(self, population: Population, seed: int) -> None:
        self._population, self._seed = population, seed
        self._generator = stream(seed, "demonstrator")
        self.person, mode = population.draw(self._generator)
        self.modes = [mode]
        self.goals: list[int] = []
        self._strategy: Mode | None = None
        self._begun = 0  # step at which the person came to the island
        # Mirroring observations and actions mirrors all of the person's behavior.
        self._sign = -1.0 if self.person.mirrored else 1.0

    @property
    def mode(self) -> str:
        """Modes of behavior in this episode, one per island so far."""
        return ", ".join(self.modes)

    def arrive(self, island: Places, step: int = 0) -> None:
        """Chooses what to do on an island: on the first, or on the next one after a flight.

        Args:
            island: its places.
            step: control steps since the episode began.
        """
        if self._strategy is not None:
            self._generator = stream(self._seed, "demonstrator", len(self.modes))
            self.modes.append(self._population.choose(self._population.people.index(self.person), self._generator))
        person, mode, generator = self.person, self.modes[-1], self._generator
        if person.mirrored:
            island, mode = mirror_island(island), mirror_name(mode)
        self._begun = step
        self._strategy = (MODES.get(mode) or LEVEL_MODES[mode])(island, person, generator)
        self._noise = generator.normal(size=(NOISE_STEPS, 4)).tolist()
        self._chance = generator.random((NOISE_STEPS, 4)).tolist()
        delay = person.reaction / RULES.control_step
        # Queue of views that the person has not reacted to yet.
        self._seen: deque[View] = deque(maxlen=1 + int(delay + generator.random()))
        # The delay of the start is skewed like reaction times: sometimes long, never negative.
        self._start = int(delay + generator.gamma(2.0, 0.5 * person.start) / RULES.control_step + 0.5)
        self._drift = person.drift * float(generator.normal())
        self._hop, self._jab = HOP * person.boredom * person.boldness, JAB * person.boredom
        # Direction of the left stick; it changes only when it is off by more than the deadband.
        self._aim: float | None = None
        self._left_x = self._left_y = self._right_x = 0.0  # positions of the sticks

    def act(self, view: View) -> list[int]:
        """Returns the action, 16 integers; by default on the classic island."""
        if self._strategy is None:
            self.arrive(load_island())
        person, sign, strategy = self.person, self._sign, self._strategy
        assert strategy is not None
        if sign < 0.0:
            view = view._replace(x=-view.x, camera_yaw=-view.camera_yaw)
        view = view._replace(step=view.step - self._begun)
        self._seen.append(view)
        noise = self._noise[view.step % NOISE_STEPS]
        chance = self._chance[view.step % NOISE_STEPS]
        self._drift = DRIFT_MEMORY * self._drift + _DRIFT_STEP * person.drift * noise[3]
        intent = WAIT if view.step < self._start else strategy.intend(self._seen[0])
        self.goals.append(_GOAL[intent.goal])

        action = [gamepad.CENTER] * len(gamepad.AXES) + [0] * len(gamepad.BUTTONS)
        x = y = turn = 0.0
        if intent.go is not None:
            # People steer relative to the image, so the camera's direction has no delay.
            angle = intent.go + self._drift - view.camera_yaw
            aim = self._aim
            if aim is None or abs(math.remainder(angle - aim, math.tau)) > person.aim_deadband:
                aim = angle
            x, y = -math.sin(aim) * intent.pace * 1.1, math.cos(aim) * intent.pace * 1.1
            self._aim = aim
        else:
            self._aim = None
        if intent.look is not None:
            error = math.remainder(intent.look - view.camera_yaw, math.tau)
            if abs(error) > person.camera_deadband:
                rate = person.camera_gain * error / _FULL_TURN
                # The response of the stick is quadratic, and people compensate for it.
                turn = math.copysign(math.sqrt(min(1.0, abs(rate))), -rate)
        self._left_x += person.grip * (x - self._left_x)
        self._left_y += person.grip * (y - self._left_y)
        self._right_x += person.grip * (turn - self._right_x)
        # Motor noise grows with effort.
        shake = person.tremor * math.hypot(self._left_x, self._left_y)
        action[gamepad.LEFT_X] = _bucket(sign * (self._left_x + shake * noise[0]))
        action[gamepad.LEFT_Y] = _bucket(self._left_y + shake * noise[1])
        action[gamepad.RIGHT_X] = _bucket(sign * self._right_x * (1.0 + person.tremor * noise[2]))
        for button in intent.press:
            action[button] = 1
        if intent.go is not None:
            if chance[0] < self._hop:
                action[gamepad.A] = 1
            if chance[3] < self._jab:
                action[gamepad.X] = 1
        if chance[1] < person.fidget:
            idle_buttons = len(gamepad.BUTTONS) - 4  # all but A, B, X, Y
            action[gamepad.Y + 1 + int(chance[2] * idle_buttons)] = 1
        return action


def _bucket(deflection: float) -> int:
    return round((min(1.0, max(-1.0, deflection)) + 1.0) * gamepad.CENTER)


class Crowd:
    """Demonstrators in the rows of a vector environment, with the same interface as learned agents.

    Args:
        population: that people are drawn from.
        count: number of rows.
        settings: of the environment's levels; None: the classic island.
    """

    def __init__(self, population: Population, count: int, settings: LevelSettings | None = None) -> None:
        self.population, self.settings = population, settings
        self._demonstrators: list[Demonstrator | None] = [None] * count
        self._steps = [0] * count
        self._arrived = [-1] * count  # island on which each row's person acts

    def reset(self, rows: np.ndarray, seeds: np.ndarray) -> None:
        """Draws a new person for each masked row.

        Args:
            rows: bool (N,).
            seeds: int (N,), seeds of the episodes; used in the masked rows only.
        """
        for row in np.flatnonzero(rows):
            self._demonstrators[row] = Demonstrator(self.population, int(seeds[row]))
            self._steps[row], self._arrived[row] = 0, -1

    def act(self, observations: Any, infos: dict[str, Any]) -> np.ndarray:
        """Returns actions, uint8 (N, 16); uses the infos only."""
        actions = np.tile(gamepad.NEUTRAL, (len(self._steps), 1))
        positions = infos["position"].tolist()
        speeds = np.hypot(infos["velocity"][:, 0], infos["velocity"][:, 1]).tolist()
        yaws, pads = infos["camera_yaw"].tolist(), infos["pad"].tolist()
        if self.settings is not None:  # the pad of the island that they are on
            pads = infos["pads"][np.arange(len(pads)), infos["island"]].tolist()
        for row, demonstrator in enumerate(self._demonstrators):
            if demonstrator is None:
                continue
            if self.settings is not None and self._arrived[row] != infos["island"][row]:
                self._arrived[row] = int(infos["island"][row])
                level = make_level(int(infos["level"][row]), self.settings)
                island, cue = level.islands[self._arrived[row]], int(infos["cue"][row])
                demonstrator.arrive(island if cue < 0 else dataclasses.replace(island, cue=cue), self._steps[row])
            x, y, z = positions[row]
            view = View(self._steps[row], x, y, z, speeds[row], yaws[row], pads[row])
            actions[row] = demonstrator.act(view)
            self._steps[row] += 1
        return actions

    def mode(self, row: int) -> str:
        """Returns the true mode of the person in a row."""
        demonstrator = self._demonstrators[row]
        return "" if demonstrator is None else demonstrator.mode

    def truth(self, row: int) -> Truth:
        """Returns the ground truth about the person in a row, with the goal of each step so far."""
        demonstrator = self._demonstrators[row]
        assert demonstrator is not None, f"row {row} has no person"
        person = demonstrator.person
        return Truth(person.number, person.skill, person.favorite, np.array(demonstrator.goals, dtype=np.uint8))
