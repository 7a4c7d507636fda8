"""kill -9 between and during answers: what was confirmed is there, once."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from baselines.preferences.people import store as module
from baselines.preferences.people.store import AnswerStore

KILLS = 100
ABOUT = {"question": "Which?"}
# The file alone: importing the package takes seconds.
ANSWERING = """
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("store", sys.argv[1])
store_of = sys.modules["store"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(store_of)
store = store_of.AnswerStore(pathlib.Path(sys.argv[2]), {"question": "Which?"})
print("ready", flush=True)
while True:
    if not (shows := store.open_shows("Ada")):
        with store.transaction() as rows:
            number = rows.execute("SELECT count(*) FROM pairs").fetchone()[0]
            store.add_show(rows, store.add_pair(rows, number, number + 1, "train", None, "random"), "Ada", False, 1.0)
        continue
    store.answer(shows[0].id, "Ada", "left", 1.0, 1, 1.0)
    print("answered", shows[0].pair, flush=True)
    if shows[0].pair % 7 == 3:
        print("undoing", shows[0].pair, flush=True)
        store.undo("Ada", 1.0)
        print("undone", shows[0].pair, flush=True)
        store.answer(store.open_shows("Ada")[0].id, "Ada", "right", 1.0, 1, 1.0)
        print("answered", shows[0].pair, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_hundred_kills_lose_and_double_no_answer(tmp_path):
    moments, said = random.Random(0), {}
    for _ in range(KILLS):
        command = [sys.executable, "-c", ANSWERING, str(Path(module.__file__)), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0.0, 0.05))
            os.kill(process.pid, signal.SIGKILL)
            for line in process.stdout.read().split("\n")[:-1]:  # the last one may be cut off
                what, pair = line.split()
                said[int(pair)] = what
    with closing(AnswerStore(tmp_path, ABOUT)) as store:
        given = store.given()
    pairs = [one.pair for one in given]
    assert len(pairs) == len(set(pairs)), "none is counted twice"
    # A kill may come between what is done and what is said of it, so one that is being undone may be either.
    kept = {pair for pair, what in said.items() if what == "answered"}
    assert len(kept) > KILLS and kept <= set(pairs) and len(pairs) <= len(kept) + KILLS, "nor lost"
