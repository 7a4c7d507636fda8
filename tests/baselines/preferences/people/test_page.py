"""The page in a real browser: by keys, with undo and reload, two people at once, in step, light, dark and small.

With JUMPPAD_SHOTS=docs its pictures are written there.
"""

import io
import os
import sqlite3
import time
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baselines.preferences.people.pairs import Asking
from tests.baselines.preferences.people.conftest import TOKEN, serving
from tools.labeling.browser import CHROMIUM

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; make setup installs it where it may"),
]
playwright = pytest.importorskip("playwright.sync_api")
SHOTS = os.environ.get("JUMPPAD_SHOTS")
WIDE, PHONE = {"width": 1000, "height": 800}, {"width": 390, "height": 780}


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM)
        yield made
        made.close()


@contextmanager
def page_of(browser, client, name, viewport=WIDE, **look):
    """A page of a browser of its own, in which a person has begun."""
    context = browser.new_context(viewport=viewport, **look)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(error))  # no builtin will do
    page.goto(f"http://127.0.0.1:{client.port}/?token={TOKEN}")
    assert page.url == f"http://127.0.0.1:{client.port}/", "the token has left the address"
    page.fill("#name", name)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-show]")
    yield page
    assert not errors
    context.close()


def press(page, key):
    """Presses a key that leads to another pair."""
    before = page.evaluate("document.body.dataset.show")
    page.keyboard.press(key)
    page.wait_for_function("before => document.body.dataset.show !== before", arg=before)


def test_twenty_pairs_by_keys_with_undo_and_reload(browser, served):
    client, store = served
    with page_of(browser, client, "Ada") as page:
        assert page.inner_text("h1") == "Which run goes left?" == page.title()
        for index in range(20):
            press(page, ["ArrowLeft", "ArrowRight", "ArrowDown", "c", "s"][index % 5])
            if index == 9:
                shown = page.evaluate("document.body.dataset.show")
                page.reload()
                page.wait_for_selector("body[data-show]")
                assert page.evaluate("document.body.dataset.show") == shown, "a break is no loss"
        assert "20 of 20 answers" in page.inner_text("#count") and "That is enough" in page.inner_text("#count")
        kinds = [one.answer for one in store.given()]
        assert kinds == ["left", "right", "equal", "unsure", "skip"] * 4
        for _ in range(3):
            press(page, "Backspace")
        assert "Taken back" in page.inner_text("#status") and store.count("Ada") == 17
        for _ in range(3):
            press(page, "ArrowLeft")
    given = store.given()
    assert len(given) == 20 and len({one.pair for one in given}) == 20, "nothing twice, nothing lost"
    assert all(one.seconds > 0 for one in given)


def test_both_sides_are_in_step_to_the_frame(browser, served):
    with page_of(browser, served[0], "Ada") as page:
        frames = page.evaluate(
            """async () => {
                const seen = [];
                for (let i = 0; i < 90; i++) {
                    await new Promise(requestAnimationFrame);
                    seen.push(["left", "right"].map((side) => Number(document.getElementById(side).dataset.frame)));
                }
                return seen;
            }"""
        )
        assert all(left == right for left, right in frames)
        assert frames[-1][0] > frames[0][0] + 3, "it plays"
        page.keyboard.press(" ")
        at = page.evaluate("Number(document.getElementById('time').value)")
        for key, moved in ((".", 1), (".", 2), (",", 1)):
            page.keyboard.press(key)
            assert page.evaluate("Number(document.getElementById('left').dataset.frame)") == at + moved
        page.keyboard.press("+")
        assert page.inner_text("#speed") == "2×"


def test_time_in_another_tab_is_no_time_on_an_answer(browser, served):
    client, store = served
    tell = (
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true }); "
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    with page_of(browser, client, "Ada") as page:
        began = time.perf_counter()
        press(page, "ArrowLeft")
        page.evaluate(tell, True)
        away = time.perf_counter()
        page.wait_for_timeout(1500)
        away = time.perf_counter() - away
        page.evaluate(tell, False)
        press(page, "ArrowLeft")
        assert 0 < store.given()[1].seconds <= time.perf_counter() - began - away


def test_two_people_at_once_see_their_own_progress(browser, served):
    client, store = served
    with page_of(browser, client, "Ada") as ada, page_of(browser, client, "<b>Bob</b>") as bob:
        for _ in range(4):
            press(ada, "ArrowLeft")
            press(bob, "ArrowRight")
        assert bob.inner_text("#who") == "<b>Bob</b>" and "4 of them yours" in bob.inner_text("#count")
    assert store.count("Ada") == store.count("<b>Bob</b>") == 4
    assert len({one.pair for one in store.given()}) == 8


def test_it_is_usable_by_keyboard_alone_and_named_for_readers(browser, served):
    with page_of(browser, served[0], "Ada") as page:
        page.keyboard.press("Tab")
        focused = [page.evaluate("document.activeElement.dataset.answer ?? document.activeElement.id")]
        for _ in range(4):
            page.keyboard.press("Tab")
            focused.append(page.evaluate("document.activeElement.dataset.answer ?? document.activeElement.id"))
        assert focused[:3] == ["left", "right", "time"]
        unnamed = page.evaluate(
            "[...document.querySelectorAll('button, input, canvas, progress')].filter((e) => !e.hidden && "
            "!(e.innerText?.trim() || e.ariaLabel || e.labels?.length)).map((e) => e.outerHTML)"
        )
        assert unnamed == []
        page.locator("[data-answer=left]").focus()
        before = page.evaluate("document.body.dataset.show")
        page.keyboard.press("Enter")
        page.wait_for_function("before => document.body.dataset.show !== before", arg=before)


def test_after_an_error_nothing_is_lost(browser, served):
    client, store = served
    with page_of(browser, client, "Ada") as page:
        press(page, "ArrowLeft")
        page.route("**/api/answer", lambda route: route.abort())
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#status.error")
        assert "Nothing is lost" in page.inner_text("#status") and store.count() == 1
        page.unroute("**/api/answer")
        press(page, "ArrowLeft")
        assert store.count() == 2 and page.locator("#status.error").count() == 0


LOOKS = {
    "labeling": {"viewport": WIDE, "color_scheme": "light"},
    "labeling_dark": {"viewport": WIDE, "color_scheme": "dark"},
    "labeling_phone": {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
}


def test_it_fits_in_light_and_dark_and_on_a_phone(browser, tmp_path, runs):
    folder = Path(SHOTS or tmp_path)
    with serving(tmp_path / "labels", runs, known="left", asking=Asking(golden=0.2, repeats=0.2)) as (client, _):
        for index, (name, look) in enumerate(LOOKS.items()):
            with page_of(browser, client, f"Ada {index}" if index else "Ada", **look) as page:
                for _ in range(12 if not index else 1):
                    press(page, "ArrowLeft")
                page.click("summary")
                page.wait_for_selector("#trust dd")
                press(page, "ArrowLeft")  # answers, though the panel has the focus
                for _ in range(30):
                    page.keyboard.press(".")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                shot = page.screenshot(full_page=True)
                picture = Image.open(io.BytesIO(shot)).convert("RGB")
                dark = np.asarray(picture)[2, 2].sum() < 200
                assert dark == (look["color_scheme"] == "dark")
                picture.quantize(256).save(folder / f"{name}.png", optimize=True)


def test_a_film_of_it(browser, tmp_path, runs):
    film = Path(SHOTS or tmp_path) / "labeling.gif"
    with (
        serving(tmp_path / "labels", runs, known="left") as (client, _),
        page_of(browser, client, "Ada", {"width": 720, "height": 690}) as page,
    ):
        pictures = []

        def shoot():
            picture = (
                Image.open(io.BytesIO(page.screenshot())).convert("RGB").resize((504, 483), Image.Resampling.LANCZOS)
            )
            pictures.append(picture)

        for key in ("ArrowLeft", "ArrowRight", "Backspace", "ArrowDown"):
            page.keyboard.press(" ")  # the film steps by hand: screenshots take longer than frames
            for _ in range(7):
                shoot()
                for _ in range(9):
                    page.keyboard.press(".")
            press(page, key)
    several = Image.new("RGB", (504, 3 * 483))
    for row in range(3):
        several.paste(pictures[10 * row], (0, 483 * row))
    palette = several.quantize(96)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    first.save(film, save_all=True, append_images=others, duration=260, loop=0, optimize=True)
    with Image.open(film) as shown:
        assert getattr(shown, "n_frames", 1) == 28 and film.stat().st_size < 2**20


def test_a_database_read_by_somebody_else_meanwhile_stops_nobody(browser, served):
    client, store = served
    with page_of(browser, client, "Ada") as page, closing(sqlite3.connect(store.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM answers").fetchone()
        press(page, "ArrowLeft")
        assert store.count() == 1
