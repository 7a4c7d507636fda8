"""The page and what it asks: pairs, pictures, answers, progress."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from baselines.preferences.people.agreement import trust
from baselines.preferences.people.beside import Learner
from baselines.preferences.people.pairs import Questions
from baselines.preferences.people.pictures import Pictures
from baselines.preferences.people.store import ANSWERS, Answer
from jumppad_env.files.shapes import Range, misfit

PAGE = Path(__file__).parent / "page"
FILES = {"/": "page.html", "/page.js": "page.js", "/page.css": "page.css"}
AHEAD = 3
"""Pairs that a page knows: the one that is answered, and the next ones, whose pictures it loads meanwhile."""
RATE = 20
"""Answers over which a person's rate is taken."""
PAUSE = 120.0
"""s without an answer that are a break, not slowness."""
LONGEST_NAME = 40


class Asked(TypedDict):
    """Who asks for the next pairs."""

    annotator: str


class Told(Asked):
    """An answer."""

    show: Annotated[int, Range(0, 2**63 - 1)]
    answer: str
    seconds: float
    plays: int


class Labeling:
    """What the page can ask of the server.

    Args:
        questions: what is asked.
        pictures: of the episodes.
        about: `question`; `seen`, what agents see, in words; `goal`, the number of answers that are wanted.
        learners: what learns from the answers meanwhile.
    """

    def __init__(
        self,
        questions: Questions,
        pictures: Pictures,
        about: dict[str, Any],
        learners: Sequence[Learner] = (),
    ) -> None:
        self.questions, self.pictures, self.about, self.store = questions, pictures, about, questions.store
        self.learners = learners
        self._times: dict[str, list[float]] = {}

    def next(self, asked: Asked) -> dict[str, Any]:
        """Returns the pairs that a person answers next, and how far they are."""
        annotator = _name(asked["annotator"])
        shows = self.questions.next(annotator, AHEAD, time.time())
        for show in shows:
            self.pictures.ask(show.left)
            self.pictures.ask(show.right)
        told = [{"id": show.id, "left": show.left, "right": show.right} for show in shows]
        return {"shows": told, "progress": self._progress(annotator)}

    def answer(self, told: Told) -> dict[str, Any]:
        """Keeps an answer and returns what is next."""
        annotator, answer = _name(told["annotator"]), told["answer"]
        if answer not in ANSWERS:
            raise HTTPException(400, f"answer must be one of {', '.join(ANSWERS)}")
        known: Answer = answer
        seconds = min(max(float(told["seconds"]), 0.0), 86400.0)
        try:
            new = self.store.answer(
                told["show"], annotator, known, seconds, min(max(told["plays"], 0), 10**6), time.time()
            )
        except KeyError:
            raise HTTPException(404, "this pair was not shown to you; reload the page") from None
        except ValueError as error:
            raise HTTPException(409, str(error)) from None
        if new:
            self._times.setdefault(annotator, []).append(time.time())
            self._answered()
        return self.next({"annotator": annotator})

    def undo(self, asked: Asked) -> dict[str, Any]:
        """Takes back a person's last answer and returns what is next: that pair."""
        undone = self.store.undo(_name(asked["annotator"]), time.time())
        if undone:
            self._answered()
        return {"undone": undone, **self.next(asked)}

    def panel(self) -> dict[str, Any]:
        """Returns how far all answers can be trusted, and what a reward model learned from them."""
        told = {"trust": trust(self.store.given(), self.questions.truth), "reward": None, "reached": []}
        for learner in self.learners:
            told |= learner.told()
        return {**told, "round": self.round()}

    def round(self) -> str:
        """Says how far the round is, nothing where there are no rounds."""
        return " ".join(filter(None, (learner.status() for learner in self.learners)))

    def _answered(self) -> None:
        for learner in self.learners:
            learner.answered()

    def _progress(self, annotator: str) -> dict[str, Any]:
        mine = self.store.count(annotator)
        times = self._times.get(annotator, [])[-RATE:]
        gaps = [later - before for before, later in zip(times, times[1:], strict=False) if later - before < PAUSE]
        minute = 60 * len(gaps) / sum(gaps) if len(gaps) > 2 and sum(gaps) > 0 else None
        answers = {"mine": mine, "all": self.store.count(), "goal": self.about["goal"]}
        return {**answers, "minute": minute, "round": self.round()}


def make_app(labeling: Labeling) -> Starlette:
    """Returns the application; `baselines.preferences.people.guard.Guard` must stand before it."""

    def file(request: Request) -> Response:
        return FileResponse(PAGE / FILES[request.url.path])

    def about(_: Request) -> Response:
        return JSONResponse(labeling.about)

    def of_round(_: Request) -> Response:
        return JSONResponse({"round": labeling.round()})

    def panel(_: Request) -> Response:
        return JSONResponse(labeling.panel())

    async def episode(request: Request) -> Response:
        # The address names the dataset, for the browser may keep pictures longer than a server lives.
        number = int(request.path_params["number"])
        if request.path_params["rollouts"] != labeling.about["rollouts"] or number >= len(labeling.pictures.episodes):
            raise HTTPException(404, "there is no such episode; reload the page")
        try:
            pictures = await asyncio.wrap_future(labeling.pictures.ask(number))
        except asyncio.CancelledError:
            raise HTTPException(503, "too many people ask for pictures at once; try again") from None
        headers = {"Cache-Control": "private, max-age=86400, immutable"}
        return Response(pictures, media_type="application/octet-stream", headers=headers)

    def posted(shape: type, work: Callable[[Any], dict[str, Any]]) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            try:
                body = await request.json()
            except (ValueError, RecursionError):
                raise HTTPException(400, "the body is no JSON") from None
            if wrong := misfit(body, shape):
                raise HTTPException(400, wrong)
            return JSONResponse(await run_in_threadpool(work, body))

        return handle

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return PlainTextResponse(str(error.detail), error.status_code)

    async def failed(_: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), 507 if isinstance(error, OSError) else 500)

    return Starlette(
        routes=[
            *(Route(path, file) for path in FILES),
            Route("/favicon.ico", lambda _: Response(status_code=204)),  # every browser asks
            Route("/api/about", about),
            Route("/api/round", of_round),
            Route("/api/panel", panel),
            Route("/api/episode/{rollouts}/{number:int}", episode),
            Route("/api/next", posted(Asked, labeling.next), methods=["POST"]),
            Route("/api/answer", posted(Told, labeling.answer), methods=["POST"]),
            Route("/api/undo", posted(Asked, labeling.undo), methods=["POST"]),
        ],
        exception_handlers={HTTPException: refused, OSError: failed, ValueError: failed},
    )


def _name(name: str) -> str:
    """Returns a person's name without spaces around it.

    Raises:
        HTTPException: it is empty, long, or not printable.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise HTTPException(400, f"a name has 1 to {LONGEST_NAME} printable letters")
    return name
