r"""Serves the page on which people answer which of two episodes is better.

    python -m baselines.label runs/quick/rollouts --out runs/labels --question "Which run goes to the left pad?"
    python -m baselines.pipeline quick --out runs/quick --targets left --labels runs/labels  # from answers to the agent
    python -m baselines.label --agent runs/quick/finetuned --out runs/online --question "Which run goes left?"  # rounds

It prints an address to open. Answers are kept at once; the same command goes on. docs/labeling.md shows the page.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress

from baselines.label.config import LOOPBACK, LabelConfig

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  asked for
"""Addresses that mean all of this machine."""
MISSING = 'the page needs two more packages: pip install -c constraints.txt -e ".[label]" (make setup has done it)'


def serve(config: LabelConfig) -> None:
    """Serves the page until it is interrupted.

    Raises:
        FileNotFoundError: there are no such episodes, or answers to merge.
        ValueError: answers to something else, an unknown target, or another server on the same answers.
        OSError: the port is taken.
    """
    try:
        import uvicorn  # noqa: PLC0415  an extra

        from baselines.label.opening import open_page  # noqa: PLC0415
        from baselines.preferences.people.guard import Guard  # noqa: PLC0415
        from baselines.preferences.people.server import make_app  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(f"{MISSING}: {error}") from None
    with ExitStack() as stack:
        labeling = open_page(config, stack)
        listener = stack.enter_context(closing(listen(config.host, config.port)))
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        guarded = Guard(make_app(labeling), hosts_of(config.host, port, config.names), token, port)
        server = uvicorn.Server(
            uvicorn.Config(guarded, log_level="warning", access_log=False, lifespan="off", server_header=False)
        )
        print(f"{config.question}\nOpen http://{shown(config.host)}:{port}/?token={token}\nCtrl-C ends it.", flush=True)
        with suppress(KeyboardInterrupt):  # as it is meant to end
            server.run(sockets=[listener])
        print(f"{labeling.store.count()} answers in {config.out}")


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket on which a server may listen.

    Raises:
        OSError: it cannot.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()  # who opens the address at once waits, instead of being refused
        except BaseException:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise OSError(
            f"cannot serve on {host}:{port} ({error.strerror or error}); choose another --host or --port"
        ) from None


def hosts_of(host: str, port: int, further: Sequence[str] = ()) -> set[str]:
    """Returns what browsers may call this server; `further` names as they are."""
    names = {LOOPBACK, "localhost", "[::1]"}
    if host in EVERYWHERE:
        name = socket.gethostname()
        names |= {name.lower(), socket.getfqdn().lower()}
        with suppress(OSError):
            names |= {shown(str(found[4][0])) for found in socket.getaddrinfo(name, None)}
    elif host != LOOPBACK:
        names |= {shown(host).lower()}
    own = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
    return own | {name.lower() for name in further}


def shown(host: str) -> str:
    """Returns an address as it stands in a URL."""
    if host in EVERYWHERE:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host
