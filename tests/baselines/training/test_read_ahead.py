import threading
import time

import pytest

from baselines.training.read_ahead import read_ahead


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("read ahead")]


@pytest.mark.parametrize("ahead", [0, 1, 3])
@pytest.mark.parametrize("indices", [range(8), range(5, 8), [3, 4, 2, 2, 7, 0, 1]])
def test_what_is_read_follows_from_the_index_alone(ahead, indices):
    with read_ahead(lambda index: index**2, 8, ahead) as get:
        assert [get(index) for index in indices] == [index**2 for index in indices]
    assert not readers()


def test_the_next_are_read_while_the_caller_works_and_none_beyond_the_end():
    read = []
    with read_ahead(lambda index: read.append(index) or index, 4, 2) as get:
        get(0)
        deadline = time.monotonic() + 10
        while len(read) < 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert sorted(read) == [0, 1, 2], "two ahead and no more"
        assert [get(index) for index in (1, 2, 3)] == [1, 2, 3]
    assert sorted(read) == [0, 1, 2, 3], "each once, and nothing from the end on"


def test_an_error_is_raised_where_its_batch_is_asked_for():
    def read(index):
        if index == 2:
            raise OSError("damaged")
        return index

    with read_ahead(read, 9, 2) as get, pytest.raises(OSError, match="damaged"):
        assert [get(0), get(1)] == [0, 1]
        get(2)
    assert not readers()


def test_the_threads_end_with_an_error_of_the_caller():
    with pytest.raises(RuntimeError, match="diverged"), read_ahead(lambda index: time.sleep(0.01), 99, 2) as get:
        get(0)
        assert readers()
        raise RuntimeError("diverged")
    assert not readers()
