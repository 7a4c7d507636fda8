"""Pictures of episodes for people, drawn from states: larger than what agents see, packed for one fetch.

Two videos drift apart; frames that one clock draws into two canvases do not.
"""

from __future__ import annotations

import io
import struct
import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from PIL import Image

from baselines.preferences.people.episodes import Episodes
from jumppad_env.dataset import Trajectory
from jumppad_env.drawing import Painter

SIZE = 320
"""Pixels of a side."""
QUALITY = 85
"""Of JPEG."""
KEPT = 64
"""Episodes whose pictures are kept in memory, about 1 MB each."""


def pack(trajectory: Trajectory, size: int = SIZE, most: int | None = None) -> bytes:
    """Returns the first frames of an episode as JPEG files, each after its length in four bytes, the lowest first.

    They look as to agents, but larger and with smooth edges: the pictures of films would take ten times as long.
    """
    parts = []
    with closing(Painter(2 * size, 2 * size, settings=trajectory.settings)) as painter:
        for state in trajectory.states[:most]:
            drawn, picture = Image.fromarray(painter.draw_one(state, trajectory.character)), io.BytesIO()
            drawn.reduce(2).save(picture, "JPEG", quality=QUALITY)
            parts += [struct.pack("<I", picture.tell()), picture.getvalue()]
    return b"".join(parts)


class Pictures:
    """Draws episodes in a thread of its own, each once as long as it is kept. Threads may share it.

    Args:
        episodes: what can be drawn; its frames are not read.
    """

    def __init__(self, episodes: Episodes) -> None:
        self.episodes = episodes
        self._drawn: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "pictures")
        # Loads, or compiles, what draws, while somebody opens the page and types a name.
        self._thread.submit(lambda: pack(episodes.trajectory(0), most=1))

    def ask(self, episode: int) -> Future[bytes]:
        """Returns the future pictures of an episode."""
        with self._lock:
            if episode in self._drawn and self._drawn[episode].done() and self._drawn[episode].exception():
                del self._drawn[episode]  # the next one who asks may have more luck
            if episode not in self._drawn:
                self._drawn[episode] = self._thread.submit(lambda: pack(self.episodes.trajectory(episode)))
                while len(self._drawn) > KEPT:
                    self._drawn.popitem(last=False)[1].cancel()  # nobody waits for it by now, if it has not begun
            self._drawn.move_to_end(episode)
            return self._drawn[episode]

    def close(self) -> None:
        """Ends the thread, after the episode that it draws."""
        self._thread.shutdown(cancel_futures=True)
