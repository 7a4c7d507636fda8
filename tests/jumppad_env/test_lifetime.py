"""Lifetime of environments: in threads, in processes, by the hundred, without leaks."""

import copy
import gc
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv

import jumppad_env  # noqa: F401 -- registers the environments
from jumppad_env import gamepad

linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")


def make():
    return gymnasium.make("Jumppad-v0", image_size=(32, 32), observation="both")


def play(env, steps=12, seed=3) -> str:
    """Plays random actions and returns a digest of all observations."""
    generator = np.random.default_rng(seed)
    digest = hashlib.sha256()
    observation, _ = env.reset(seed=seed)
    for _ in range(steps):
        digest.update(observation["pixels"].tobytes() + observation["state"].tobytes())
        action = generator.integers([11] * 4 + [2] * 12, size=env.action_space.shape).astype(np.uint8)
        observation, *_ = env.step(action)
    return digest.hexdigest()


def play_and_close(env, **options) -> str:
    seen = play(env, **options)
    env.close()
    return seen


@pytest.mark.slow
def test_another_process_gives_the_same_frames():
    program = "from tests.jumppad_env.test_lifetime import *; print(play_and_close(make()))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == play_and_close(make())


def test_earlier_episodes_do_not_matter():
    env = make()
    play(env, seed=8, steps=30)
    assert play_and_close(env) == play_and_close(make())


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_gymnasiums_worker_processes_give_the_same_frames(context):
    make().close()  # whatever a first environment starts is there before the fork
    workers = AsyncVectorEnv([make, make], context=context, autoreset_mode=AutoresetMode.SAME_STEP)
    seen = play_and_close(workers)
    assert seen == play_and_close(SyncVectorEnv([make, make], autoreset_mode=AutoresetMode.SAME_STEP))


def make_many():
    return gymnasium.make_vec("Jumppad-v0", num_envs=9, image_size=(32, 32), observation="both")


def test_many_threads_make_use_and_close_environments_at_once():
    expected = {make: play_and_close(make()), make_many: play_and_close(make_many())}

    def job(number):
        maker = make if number % 2 else make_many
        return play_and_close(maker()) == expected[maker]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(job, range(120)))


def resident() -> int:
    """Memory of this process, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@linux
@pytest.mark.slow
@pytest.mark.parametrize("variety", ["none", "high"])
@pytest.mark.parametrize("many", [False, True])
def test_two_hundred_environments_leave_no_memory_thread_or_file_behind(many, variety):
    def use_one():
        options = {"image_size": (256, 256), "render_mode": "rgb_array", "variety": variety}
        if many:
            env = gymnasium.make_vec("Jumppad-v0", num_envs=2, **options)
        else:
            env = gymnasium.make("Jumppad-v0", **options)
        env.reset(seed=0)
        env.step(env.action_space.sample())
        env.render()
        env.close()

    def left() -> tuple[int, int, int]:
        gc.collect()
        return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")), threading.active_count()

    for _ in range(20):
        use_one()
    before, grown = left(), []
    while len(grown) < 3 and (not grown or grown[-1] >= 25e6):
        # The allocator of many short-lived threads takes a while to find its size; what leaks grows every time.
        memory = resident()
        for _ in range(200):
            use_one()
        grown.append(resident() - memory)
    for _ in range(100):  # the system may list a thread for a moment after it has been joined
        if left() == before:
            break
        time.sleep(0.02)
    assert left() == before
    # The pixels and depths alone of one are half a megabyte.
    assert grown[-1] < 25e6, grown


def rendered(env) -> np.ndarray:
    frame = env.render()
    assert isinstance(frame, np.ndarray)
    return frame


def in_a_fork(job) -> bool:
    """Runs a job in a forked process and returns whether it finished within 20 s."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # waiting for missing threads would take forever
        done = False
        try:
            job()
            done = True
        finally:
            os._exit(not done)
    return os.waitpid(child, 0)[1] == 0


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork_an_environment_draws_or_raises_at_step():
    env = gymnasium.make("Jumppad-v0", render_mode="rgb_array", render_size=(32, 48))
    env.reset(seed=0)
    shown = rendered(env)
    many = gymnasium.make_vec("Jumppad-v0", num_envs=20, image_size=(16, 16), threads=2)
    many.reset(seed=0)
    actions = np.tile(gamepad.NEUTRAL, (20, 1))
    many.step(actions)

    def draw():
        assert np.array_equal(rendered(env), shown)
        env.step(actions[0])
        env.close()

    def step():
        with pytest.raises(gymnasium.error.Error, match="make a new environment there"):
            many.step(actions)
        many.close()

    assert in_a_fork(draw) and in_a_fork(step)
    assert np.array_equal(rendered(env), shown)
    many.step(actions)
    env.close()
    many.close()


@linux
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_can_drop_or_copy_an_environment_with_threads():
    actions = np.tile(gamepad.NEUTRAL, (20, 1))
    actions[:, gamepad.LEFT_Y] = 10

    def make_and_step():
        envs = gymnasium.make_vec("Jumppad-v0", num_envs=20, image_size=(16, 16), threads=2)
        envs.reset(seed=0)
        envs.step(actions)
        return envs

    held = [make_and_step()]
    seen = held[0].step(actions)[0]
    twin = copy.deepcopy(held[0])
    expected = twin.step(actions)[0]

    def play_a_copy():
        assert np.array_equal(copy.deepcopy(held[0]).step(actions)[0], expected) and not np.array_equal(seen, expected)

    def drop():
        held.clear()
        gc.collect()
        make_and_step().close()

    assert in_a_fork(play_a_copy) and in_a_fork(drop)
    assert np.array_equal(held[0].step(actions)[0], expected)
    held[0].close()
    twin.close()


@linux
@pytest.mark.slow
def test_after_an_interrupt_at_any_moment_a_reset_works():
    envs = gymnasium.make_vec("Jumppad-v0", num_envs=40, image_size=(32, 32), threads=2, variety="high")
    env = gymnasium.make("Jumppad-v0", render_mode="rgb_array", render_size=(60, 100), variety="paper")
    actions = np.tile([5, 10, 5, 5] + [0] * 12, (40, 1))

    def use() -> str:
        digest = hashlib.sha256(envs.reset(seed=3)[0].tobytes())
        for _ in range(12):
            digest.update(envs.step(actions)[0].tobytes())
        env.reset(seed=3)
        for frame in (rendered(env), env.step(actions[0])[0], rendered(env)):
            digest.update(frame.tobytes())
        return digest.hexdigest()

    expected = use()
    began = time.monotonic()
    use()
    seconds = time.monotonic() - began
    generator = np.random.default_rng(0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    try:
        for moment in generator.uniform(0.01, 0.9, 60) * seconds:
            signal.setitimer(signal.ITIMER_REAL, moment)
            try:
                use()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
            assert use() == expected
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 20
    env.close()
    envs.close()
