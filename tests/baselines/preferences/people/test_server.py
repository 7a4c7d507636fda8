"""The server as a browser, a stranger and a clumsy program meet it."""

import io
import json
import struct
import threading
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from agents.dataset import Dataset
from baselines.label.serve import hosts_of
from baselines.preferences.people import pictures
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.pairs import Asking
from tests.baselines.preferences.people.conftest import TOKEN, serving

GETS = ("/", "/page.js", "/page.css", "/api/about", "/api/panel", "/api/round", "/api/episode/0/0", "/nowhere")
POSTS = {
    "/api/next": {"annotator": "Ada"},
    "/api/answer": {"annotator": "Ada", "show": 1, "answer": "left", "seconds": 1.0, "plays": 1},
    "/api/undo": {"annotator": "Ada"},
}


def test_an_evening_of_answers(served):
    client, store = served
    about = client.get("/api/about")
    assert about["question"] == "Which run goes left?" and about["goal"] == 20
    told = client.get("/api/next", {"annotator": "  Ada  "})
    assert len(told["shows"]) == 3 and told["progress"] == {
        "mine": 0,
        "all": 0,
        "goal": 20,
        "minute": None,
        "round": "",
    }
    for index in range(6):
        show = told["shows"][0]
        body = {"annotator": "Ada", "show": show["id"], "answer": "left", "seconds": 2.5, "plays": 1}
        following = client.get("/api/answer", body)
        assert following["shows"][:2] == told["shows"][1:] and following["progress"]["mine"] == index + 1
        told = following
    assert told["progress"]["minute"] > 1
    back = client.get("/api/undo", {"annotator": "Ada"})
    assert back["undone"] and back["progress"]["all"] == 5
    assert {k: back["shows"][0][k] for k in ("left", "right")} == {k: show[k] for k in ("left", "right")}
    assert client.get("/api/undo", {"annotator": "Bob"})["undone"] is False
    panel = client.get("/api/panel")
    assert panel["trust"]["sides"]["left"] == 5 and panel["reward"] is None and store.count() == 5


def test_pictures_are_all_frames_of_an_episode(served, runs):
    rollouts = served[0].get("/api/about")["rollouts"]
    status, headers, content = served[0].ask(f"/api/episode/{rollouts}/3")
    assert status == 200 and headers["cache-control"].startswith("private")
    frames, at = [], 0
    while at < len(content):
        (length,) = struct.unpack_from("<I", content, at)
        frames.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    assert len(frames) == len(Dataset(runs).trajectory(3))
    picture = np.asarray(Image.open(io.BytesIO(frames[0])))
    assert picture.shape == (320, 320, 3) and picture.std() > 20


@pytest.mark.parametrize("path", [*GETS, *POSTS])
def test_every_route_refuses_other_names_and_whoever_has_no_cookie(served, path):
    client, store = served
    body = POSTS.get(path)
    for host in ("evil.example", f"evil.example:{client.port}", "127.0.0.1", f"127.0.0.1:{client.port + 1}", "", None):
        assert client.ask(path, body, headers={"Host": host})[0] == 400, host
    for cookie in (None, "", f"jumppad-{client.port}=wrong", f"jumppad-{client.port + 1}={TOKEN}"):
        assert client.ask(path, body, headers={"Cookie": cookie})[0] == 403, cookie
    assert store.count() == 0


@pytest.mark.parametrize("path", POSTS)
def test_other_pages_can_change_nothing(served, path):
    client, store = served
    strange = (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": None, "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"Sec-Fetch-Site": None},
        {"Origin": "http://localhost:1"},
    )
    for headers in strange:
        assert client.ask(path, POSTS[path], headers=headers)[0] == 403, headers
    assert client.ask(path, POSTS[path], headers={"Content-Type": "text/plain"})[0] == 415
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        assert client.ask(path, method=method)[0] in (400, 403, 405), method
    assert store.count() == 0 and not store.open_shows("Ada")
    own = {"Sec-Fetch-Site": None, "Origin": f"http://{client.host}"}
    assert client.ask("/api/next", POSTS["/api/next"], headers=own)[0] == 200, "a browser of before 2020"


def test_other_names_of_this_machine_are_known(served):
    client = served[0]
    for name in ("localhost", "[::1]", "LOCALHOST"):
        host = f"{name}:{client.port}"
        assert client.ask("/api/about", headers={"Host": host})[0] == 200
    assert "labels.example.org" in hosts_of("127.0.0.1", 8000, ["Labels.example.org"])
    assert "192.168.0.7:80" in hosts_of("192.168.0.7", 80) and "[fe80::1]:8000" in hosts_of("fe80::1", 8000)


def test_the_token_becomes_a_cookie_and_leaves_the_address(served):
    client = served[0]
    status, headers, _ = client.ask(f"/?token={TOKEN}", headers={"Cookie": None})
    assert status == 303 and headers["location"] == "/"
    cookie = headers["set-cookie"].lower()
    assert f"jumppad-{client.port}=" in cookie and "httponly" in cookie and "samesite=lax" in cookie
    assert client.ask("/?token=wrong", headers={"Cookie": None})[0] == 403
    assert client.ask("/?token=%C3%A9", headers={"Cookie": None})[0] == 403
    assert client.ask(f"/api/about?token={TOKEN}", headers={"Cookie": None})[0] == 403, "only where it is exchanged"


def test_the_page_brings_its_own_rules(served):
    for path in GETS:
        _, headers, content = served[0].ask(path)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in headers)
        assert b"http://" not in content and b"https://" not in content, "nothing from elsewhere"


def test_what_makes_no_sense_is_one_clear_error(served):
    client, store = served
    for body, status, said in (
        ({"annotator": ""}, 400, "1 to 40 printable letters"),
        ({"annotator": "x" * 41}, 400, "1 to 40 printable letters"),
        ({"annotator": "a\u202eb"}, 400, "printable"),
        ({"annotator": 5}, 400, "annotator is 5, not"),
        ({}, 400, "annotator"),
        ([], 400, "not an object"),
    ):
        assert (found := client.ask("/api/next", body))[0] == status and said in found[2].decode(), found
    first = client.get("/api/next", {"annotator": "Ada"})["shows"][0]["id"]
    right = {"annotator": "Ada", "show": first, "answer": "left", "seconds": 1.0, "plays": 1}
    for change, status, said in (
        ({"answer": "both"}, 400, "answer must be one of left, right"),
        ({"answer": "left'; DROP TABLE answers"}, 400, "answer must be one of"),
        ({"show": 10**6}, 404, "was not shown to you"),
        ({"show": 2**63}, 400, "show is"),
        ({"annotator": "Bob"}, 404, "was not shown to you"),
        ({"show": "1"}, 400, "show is '1'"),
        ({"seconds": "1"}, 400, "seconds is '1'"),
    ):
        assert (found := client.ask("/api/answer", {**right, **change}))[0] == status and said in found[2].decode(), (
            found
        )
    for raw in (b"{", b"\xff", b"[" * 4000, b"", b'{"annotator": NaN}'):
        assert client.ask("/api/next", raw=raw)[0] == 400
    assert client.ask("/api/next", raw=b" " * 5000)[0] == 413
    rollouts = client.get("/api/about")["rollouts"]
    for path in (f"{rollouts}/24", f"{rollouts}/-1", "other/0", "0"):
        assert client.ask(f"/api/episode/{path}")[0] == 404
    assert client.ask("/api/episode/../../etc/passwd")[0] == 404
    assert store.count() == 0
    assert client.get("/api/answer", right)["progress"]["all"] == 1
    assert client.ask("/api/answer", {**right, "answer": "right"})[0] == 409


def test_markup_in_names_stays_text(served):
    client, store = served
    name = "<img src=x onerror=alert(1)>"
    show = client.get("/api/next", {"annotator": name})["shows"][0]["id"]
    client.get("/api/answer", {"annotator": name, "show": show, "answer": "equal", "seconds": 1.0, "plays": 1})
    assert store.given()[0].annotator == name
    assert "innerHTML" not in served[0].ask("/page.js")[2].decode()


def test_people_at_once_get_different_pairs_and_lose_nothing(served):
    client, store = served
    names, each = [f"person {index}" for index in range(8)], 12
    failed = []

    def play(name):
        own = type(client)(client.port)
        try:
            told = own.get("/api/next", {"annotator": name})
            for _ in range(each):
                show = told["shows"][0]["id"]
                told = own.get(
                    "/api/answer", {"annotator": name, "show": show, "answer": "right", "seconds": 1.0, "plays": 1}
                )
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=play, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = store.given()
    assert not failed and len(given) == len(names) * each
    assert len({one.pair for one in given}) == len(given), "each pair once"


def test_a_full_disk_is_said_and_what_was_answered_stays(served, monkeypatch):
    client, store = served
    show = client.get("/api/next", {"annotator": "Ada"})["shows"][0]["id"]
    body = {"annotator": "Ada", "show": show, "answer": "left", "seconds": 1.0, "plays": 1}
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    name = "a" * 40
    for index in range(200):  # until the last page is full
        status, _, content = client.ask("/api/next", {"annotator": f"{index:3d}{name[:30]}"})
        if status != 200:
            break
    assert status == 507 and b"all answers before are kept" in content
    store._connection.execute("PRAGMA max_page_count = 1000000")
    assert client.get("/api/answer", body)["progress"]["all"] == 1


def test_agreement_with_a_formula_is_shown_where_one_is_known(tmp_path, runs):
    with serving(tmp_path / "labels", runs, known="left", asking=Asking(golden=0.5, repeats=0.0)) as (client, store):
        told = client.get("/api/next", {"annotator": "Ada"})
        places = Dataset(runs).places
        for _ in range(20):
            show = told["shows"][0]
            left, right = (places[show[side]] == 0 for side in ("left", "right"))
            answer = "equal" if left == right else "left" if left else "right"
            told = client.get(
                "/api/answer", {"annotator": "Ada", "show": show["id"], "answer": answer, "seconds": 1.0, "plays": 1}
            )
        trust = client.get("/api/panel")["trust"]
        assert trust["golden"]["share"] == trust["synthetic"]["share"] == 1.0 and trust["golden"]["of"] > 3
        assert json.dumps(trust) and store.count() == 20


def test_pictures_that_nobody_waits_for_are_not_drawn(runs, monkeypatch):
    monkeypatch.setattr(pictures, "KEPT", 2)
    episodes = Episodes()
    episodes.add(Dataset(runs))
    with closing(pictures.Pictures(episodes)) as drawn:
        asked = [drawn.ask(episode) for episode in range(12)]
        assert asked[-1].result() and asked[-2].result() and drawn.ask(11) is asked[-1]
        assert sum(one.cancelled() for one in asked) >= 8 and len(drawn._drawn) == 2
