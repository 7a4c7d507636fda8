"""Proves that a cluster's machines need no common folder: two of them on this one, which share a network cable alone.

    sudo .venv/bin/python -m tools.two_machines

Each machine has namespaces of its own: network, processes, host name, and mounts with a /tmp, a /dev/shm and a home
that the other does not see. The checkout is at another path on the second. Ray starts on both, with one core and a
token. On the first, commands run with `--cluster auto`, then with one process; all bytes must be the same, and both
machines must have worked. Whatever happens, everything ends with this process. Linux only.

The exit code is 1 if bytes differ or a machine did not work, 2 if something is missing on this one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from jumppad_env.command_line import command_line
from tools.kill_at_random import differences

ROOT = Path(__file__).parents[1]
PROGRAMS = ("unshare", "nsenter", "ip", "mount")
SPACES = ("--net", "--mount", "--pid", "--uts")
OUT = Path("/tmp/out")
"""On the first machine."""
ELSEWHERE = Path("/tmp/elsewhere")
"""The checkout on the second machine, where its place on the first is empty."""
STORE = 100 * 2**20
"""Bytes of each machine's store."""
TICK = 0.02
"""s between two looks at what machines do."""
SETUP = """
set -e
read -r pid rest < /proc/self/stat  # as the outside knows this process
mount -t proc proc /proc
mount -t tmpfs tmpfs /dev/shm
name=$1 checkout=$2 place=$3
shift 3

empty() {  # the folder $1, but for what of $2, $3, ... is in it
    folder=$1
    shift
    mkdir /dev/shm/new
    mount -t tmpfs tmpfs /dev/shm/new
    for kept in "$@"; do
        case $kept in "$folder"/*)
            mkdir -p "/dev/shm/new${kept#"$folder"}"
            mount --rbind "$kept" "/dev/shm/new${kept#"$folder"}"
        esac
    done
    mount --move /dev/shm/new "$folder"
    rmdir /dev/shm/new
}

if [ "$place" = "$checkout" ]; then
    empty /tmp "$checkout" "$@"
else
    mkdir /dev/shm/checkout
    mount --bind "$checkout" /dev/shm/checkout
    empty "$checkout" "$@"
    empty /tmp "$@"
    mkdir "$place"
    mount --move /dev/shm/checkout "$place"
    rmdir /dev/shm/checkout
fi
mkdir /tmp/home
echo "$name" > /proc/sys/kernel/hostname
ip link set lo up
echo "$pid"
exec cat > /dev/null
"""
"""First process of a machine. It ends with the pipe that it reads from, and all of the machine with it."""


class Machine:
    """A machine on this one; a context manager.

    Args:
        name: of the host.
        address: IPv4.
        checkout: where it has the checkout.
    """

    def __init__(self, name: str, address: str, checkout: Path) -> None:
        self.name, self.address, self._checkout = name, address, checkout
        self.worked: set[str] = set()
        """Functions that it was seen to work on."""

    def __enter__(self) -> Machine:
        kept = [str(path) for path in map(Path, {sys.prefix, sys.base_prefix})]
        script = ("sh", "-c", SETUP, "sh", self.name, str(ROOT), str(self._checkout), *kept)
        self._holder = subprocess.Popen(
            ["unshare", *SPACES, "--fork", "--kill-child", *script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._holder.stdout and self._holder.stderr
        pid = self._holder.stdout.readline().strip()
        if not pid:
            said = self._holder.stderr.read().decode().strip()
            self.__exit__()
            raise PermissionError(f"this machine does not let anybody make namespaces ({' '.join(said.split())})")
        self.pid = int(pid)
        return self

    def __exit__(self, *error: object) -> None:
        self._holder.communicate()  # closes its pipe

    def path(self, path: Path) -> Path:
        """Returns how this process reaches a path of the machine."""
        return Path(f"/proc/{self.pid}/root{path}")

    def start(self, *words: str, said: int | IO[bytes] = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Starts a program on the machine, in its checkout."""
        return subprocess.Popen(
            ["nsenter", f"--target={self.pid}", *SPACES, "env", "-C", str(self._checkout), *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**_environment(), "PYTHONPATH": str(self._checkout)},
        )

    def run(self, *words: str, watched: Sequence[Machine] = ()) -> float:
        """Runs a program and returns how many seconds it took.

        Args:
            words: of the command.
            watched: machines at which to look meanwhile.

        Raises:
            ChildProcessError: it failed.
        """
        began = time.monotonic()
        with tempfile.TemporaryFile() as said:
            process = self.start(*words, said=said)
            while process.poll() is None:
                for machine in watched:
                    machine.look()
                time.sleep(TICK)
            if process.returncode:
                said.seek(0)
                error = said.read().decode(errors="replace").strip()
                raise ChildProcessError(f"on {self.name}, {' '.join(words)} failed:\n{error}")
        return time.monotonic() - began

    def look(self) -> None:
        """Notes what Ray's processes work on: they put it in their titles."""
        for path in self.path(Path("/proc")).glob("[0-9]*/cmdline"):
            try:
                title = path.read_bytes().rstrip(b"\0 ").decode(errors="replace")
            except OSError:  # it has ended
                continue
            if title.startswith("ray::") and not title.endswith(("IDLE", "Agent")):
                self.worked.add(title.removeprefix("ray::"))


def _environment() -> dict[str, str]:
    """Returns the environment of all programs on the machines."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {
        **kept,
        "HOME": "/tmp/home",
        "OMP_WAIT_POLICY": "PASSIVE",  # two machines on few cores
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
        "TQDM_DISABLE": "1",
    }


def join(first: Machine, second: Machine) -> None:
    """Lays a cable between two machines."""
    pair = ("veth0", "netns", str(first.pid), "type", "veth", "peer", "name", "veth0", "netns", str(second.pid))
    laid = subprocess.run(["ip", "link", "add", *pair], capture_output=True, text=True)
    if laid.returncode:
        raise PermissionError(f"no cable can be laid between network namespaces here ({laid.stderr.strip()})")
    for machine in (first, second):
        machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "veth0")
        machine.run("ip", "link", "set", "veth0", "up")
        machine.run("ip", "route", "add", "default", "dev", "veth0")  # by which Ray finds the machine's own address


def start_ray(first: Machine, second: Machine) -> None:
    """Starts Ray on both, with the token of the first."""
    ray = str(Path(sys.prefix) / "bin" / "ray")
    options = ("--num-cpus", "1", "--object-store-memory", str(STORE))
    first.run(ray, "get-auth-token", "--generate")
    token = Path("/tmp/home/.ray/auth_token")
    second.path(token).parent.mkdir()
    shutil.copy(first.path(token), second.path(token))
    first.run(ray, "start", "--head", *options)
    second.run(ray, "start", "--address", f"{first.address}:6379", *options)


WORK = {
    "agents.collect": ("agents.collect", "{out}/people", "--episodes", "520", "--image-size", "16", "16"),
    "baselines.rollouts": (
        "baselines.rollouts",
        *("--agent", "/tmp/agent", "--out", "{out}/rollouts", "--episodes", "300"),
    ),
    "an experiment": ("tools.two_machines", "--experiment", "{out}/run"),
}
"""What is done, and the words of its command."""


def compare() -> Iterator[str]:
    """Does all work on two machines and with one process; yields what it did, line by line.

    Raises:
        AssertionError: bytes differ, or a machine did not work, or sees the folder of the other.
    """
    began = time.monotonic()
    first, second = Machine("first", "10.0.0.1", ROOT), Machine("second", "10.0.0.2", ELSEWHERE)
    with first, second:
        join(first, second)
        start_ray(first, second)
        yield f"two machines, up after {time.monotonic() - began:.1f} s"
        python = (sys.executable, "-m")
        first.run(*python, "tools.two_machines", "--agent", "/tmp/agent")
        for name, words in WORK.items():
            for machine in (first, second):
                machine.worked.clear()
            there, alone = (
                first.run(*python, *(word.format(out=OUT / place) for word in words), *options, watched=(first, second))
                for place, options in (("cluster", ("--cluster", "auto")), ("alone", ()))
            )
            seen = f"{name}: the machines worked on {first.worked or 'nothing'} and {second.worked or 'nothing'}"
            assert first.worked & second.worked, seen
            yield f"{name}: {there:.1f} s on the cluster, {alone:.1f} s alone; both machines worked on " + ", ".join(
                sorted(first.worked & second.worked)
            )
        found = differences(first.path(OUT / "alone"), first.path(OUT / "cluster"))
        assert not found, "; ".join(found)
        files = sum(path.is_file() for path in first.path(OUT / "cluster").rglob("*"))
        assert files and not second.path(OUT).exists(), "the second machine sees the folder of the first"
        yield f"{files} files, all bytes are the same; the second machine never saw their folder"


def missing() -> str:
    """Returns what this machine lacks, "" if nothing."""
    if sys.platform != "linux":
        return "only Linux has namespaces"
    if os.geteuid():
        return "only root can make namespaces: sudo .venv/bin/python -m tools.two_machines"
    if lost := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"no {' and no '.join(lost)} here; they are in Debian's packages util-linux and iproute2"
    if not (Path(sys.prefix) / "bin" / "ray").exists():
        return 'Ray is not installed: pip install -c constraints.txt -e ".[baselines,cluster]"'
    return ""


def make_agent(out: Path) -> None:
    """Makes an agent that has learned nothing."""
    from baselines.models.policy import Policy
    from tests.cluster.small_experiment import TINY

    Policy.initialize(TINY, seed=0).save_pretrained(out)


def experiment(out: Path, cluster: str | None) -> None:
    """Runs a small graph of artifacts."""
    from baselines.laboratory import runner
    from baselines.laboratory.graph.task import Task

    runner.run([Task("small", "tests.cluster.small_experiment", "smoke", 0, out)], 1, cluster)


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.two_machines", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for word in ("--agent", "--experiment", "--cluster"):  # of the commands on the machines
        parser.add_argument(word, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with command_line("stopped; nothing is left of the machines"):
        if arguments.agent:
            make_agent(Path(arguments.agent))
        elif arguments.experiment:
            experiment(Path(arguments.experiment), arguments.cluster)
        elif lost := missing():
            raise ValueError(lost)
        else:
            try:
                for line in compare():
                    print(line, flush=True)
            except (AssertionError, ChildProcessError) as error:
                print(f"failed: {error}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
