import signal
import threading

import pytest

from jumppad_env.machine import signals
from jumppad_env.machine.signals import ENDING, Terminated, deferred_signals, sigterm_raises


@pytest.fixture(autouse=True)
def usual_handlers():
    before = {number: signal.getsignal(number) for number in ENDING}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a script
    yield
    assert signal.getsignal(signal.SIGTERM) == before[signal.SIGTERM]
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    for number, handler in before.items():
        signal.signal(number, handler)


def test_sigterm_raises_in_the_block():
    with pytest.raises(Terminated), sigterm_raises():
        signal.raise_signal(signal.SIGTERM)


def test_a_handler_of_the_caller_stays():
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append("his"))
    with sigterm_raises():
        signal.raise_signal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)
    assert came == ["his"]


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_waits_for_the_end_of_the_block(number, error):
    done = []
    with pytest.raises(error), sigterm_raises():
        with deferred_signals():
            signal.raise_signal(number)
            done.append("the rest")
        done.append("too late")
    assert done == ["the rest"]


@pytest.mark.parametrize(("same", "expected"), [(0.0, ["between"]), (1e9, ["between", "the rest"])])
def test_a_second_signal_waits_only_if_it_says_the_same(monkeypatch, same, expected):
    monkeypatch.setattr(signals, "SAME", same)
    done = []
    with pytest.raises(KeyboardInterrupt):
        with deferred_signals():
            signal.raise_signal(signal.SIGINT)
            done.append("between")
            signal.raise_signal(signal.SIGINT)
            done.append("the rest")
        done.append("too late")
    assert done == expected


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferred_signals():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_other_threads_work_without_signals():
    done = []

    def work():
        with sigterm_raises(), deferred_signals():
            done.append("work")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["work"]
