"""The order in which a graph of work is done, and what a failure stops, with workers that finish when the test says."""

from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from graphlib import CycleError

import pytest

from agents.workers import graph
from agents.workers.graph import NotMade, run_graph
from agents.workers.interface import ONE_CORE, Needs


@dataclass(frozen=True)
class Node:
    name: str
    needs: tuple[str, ...] = ()
    fails: bool = False
    resources: Needs = ONE_CORE

    @property
    def work(self):
        return partial(self.fail) if self.fails else partial(str, self.name)

    def fail(self):
        raise ValueError(f"no {self.name} today")


class Hands:
    """Workers that hold everything they are given until they are told to finish the oldest."""

    def __init__(self, count):
        self.count, self.held = count, []

    def submit(self, function, /, *arguments, needs=ONE_CORE):
        self.held.append((function, needs, future := Future()))
        return future

    def finish(self):
        function, _, future = self.held.pop(0)
        try:
            future.set_result(function())
        except ValueError as error:
            future.set_exception(error)

    def share(self, value):
        return value

    def close(self):
        pass


def run(nodes, count, watch=lambda running: None):
    """Returns what ran side by side at every look, and the error of each node in the order of their ends."""
    hands, looks, ends = Hands(count), [], []

    def look(running):
        looks.append([node.name for node in running])
        watch(hands)
        if hands.held:
            hands.finish()

    run_graph(nodes, hands, watch=look, ended=lambda node, error: ends.append((node.name, error)))
    return looks, dict(ends)


DIAMOND = [Node("a"), Node("b", ("a",)), Node("c", ("a",)), Node("d", ("b", "c"))]


def test_what_is_needed_comes_first_and_earlier_nodes_before_later_ones():
    looks, ends = run([*reversed(DIAMOND), Node("e")], 2)
    assert looks == [["a", "e"], ["e", "c"], ["c", "b"], ["b"], ["d"]]
    assert ends == dict.fromkeys("aecbd") and list(ends) == list("aecbd")


def test_a_need_that_is_not_in_the_graph_is_taken_as_done():
    assert run([Node("d", ("b", "c"))], 1)[1] == {"d": None}


def test_a_failure_stops_only_what_needs_it():
    nodes = [Node("a"), Node("b", ("a",), fails=True), Node("c", ("a",)), Node("d", ("b", "c")), Node("e", ("d",))]
    looks, ends = run(nodes, 1)
    assert looks == [["a"], ["b"], ["c"]]
    assert ends["a"] is None and ends["c"] is None and str(ends["b"]) == "no b today"
    for stopped in "de":
        assert isinstance(ends[stopped], NotMade) and str(ends[stopped]) == "it needs b, which failed"
        assert ends[stopped].__cause__ is ends["b"]


def test_workers_may_join_and_leave(monkeypatch):
    monkeypatch.setattr(graph, "TICK", 0)
    counts = iter([1, 0, 3, 3, 3, 3, 3])
    looks, ends = run([Node(name) for name in "abcde"], 0, lambda hands: setattr(hands, "count", next(counts)))
    assert looks == [[], ["a"], [], ["b", "c", "d"], ["c", "d", "e"], ["d", "e"], ["e"]]
    assert ends == dict.fromkeys("abcde")


def test_workers_are_told_what_a_node_needs():
    told, needed = [], Needs(cpus=2, gpus=1, memory=3)
    run([Node("a", resources=needed)], 1, lambda hands: told.extend(needs for _, needs, _ in hands.held))
    assert told == [needed]


def test_a_circle_is_refused_before_anything_runs():
    hands = Hands(1)
    with pytest.raises(CycleError):
        run_graph([Node("a", ("b",)), Node("b", ("a",))], hands)
    assert not hands.held
