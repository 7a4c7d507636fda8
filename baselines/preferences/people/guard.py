"""Who may talk to the page: nobody but a browser that was given the address, from the page itself.

A loopback address is no boundary. Any page in the same browser can send requests to it, and reach it under a name of
its own (DNS rebinding). So the Host must be this server's, with its port; a token from the printed address becomes a
cookie; and what changes something must come from the page, as the browser says.

Not `starlette.middleware.trustedhost`: it ignores ports and fails for `[::1]`.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 4096
"""Bytes of a request's body, at most."""
SAFE = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses everybody else, before anything is looked at.

    Args:
        app: what is guarded.
        hosts: what the header Host may be.
        token: secret of the printed address.
        port: of the server; cookies do not tell ports apart, so it is in their name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], token: str, port: int) -> None:
        self.app, self._hosts, self._token, self._cookie = app, frozenset(hosts), token, f"jumppad-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                names = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in more if pair[0] not in names)]
            await send(message)

        request = Request(scope, receive)
        refused = self._refused(request)
        if refused is None:
            body = await _body(request) if request.method not in SAFE else b""
            if body is not None:
                await self.app(scope, receive if request.method in SAFE else _again(body, receive), with_headers)
                return
            refused = PlainTextResponse(f"a request has at most {BODY} bytes", 413)
        await refused(scope, receive, with_headers)

    def _refused(self, request: Request) -> Response | None:
        """Returns what to answer instead, None if the request may pass."""
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return PlainTextResponse("this is not the address that baselines.label printed", 400)
        given = parse_qs(request.url.query).get("token", [""])[0]
        if (
            request.url.path == "/"
            and request.method == "GET"
            and hmac.compare_digest(given.encode(), self._token.encode())
        ):
            entered = RedirectResponse("/", 303)
            entered.set_cookie(
                self._cookie, self._token, httponly=True, samesite="lax", path="/"
            )  # a link in a mail works
            return entered
        if not hmac.compare_digest(request.cookies.get(self._cookie, "").encode(), self._token.encode()):
            return PlainTextResponse("Open the address that baselines.label printed, with its token.", 403)
        if request.method in SAFE:
            return None
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        from_page = site == "same-origin" if site is not None else origin == f"http://{hosts[0]}"
        if not from_page or (origin is not None and origin.partition("://")[2] != hosts[0].lower()):
            return PlainTextResponse("answers come from the page itself", 403)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return PlainTextResponse("answers are application/json", 415)
        return None


async def _body(request: Request) -> bytes | None:
    """Returns the body of a request, None if it is too large."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            return None
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Returns what gives a body that was read once more, and then what comes after it: that the browser has gone."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
