"""A server of the page, with few episodes of people, and what talks to it."""

import http.client
import json
import threading
from contextlib import closing, contextmanager

import pytest

from agents.collect import CollectConfig, collect
from agents.dataset import Dataset
from baselines.label.config import LabelConfig
from baselines.label.opening import about_of, open_answers
from baselines.label.serve import hosts_of, listen
from baselines.preferences.people.episodes import Episodes
from baselines.preferences.people.pairs import Asking, Questions

TOKEN = "secret-token"  # noqa: S105


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Direct runs to all pads, states only."""
    directory = tmp_path_factory.mktemp("compared") / "runs"
    collect(CollectConfig(episodes=24, population="curated", image_size=None), directory, workers=1)
    return directory


class Client:
    """Asks a server as the page does, unless it is told otherwise."""

    def __init__(self, port):
        self.port, self.host = port, f"127.0.0.1:{port}"
        self.headers = {"Cookie": f"jumppad-{port}={TOKEN}", "Sec-Fetch-Site": "same-origin"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path, body=None, *, method=None, headers=None, raw=None):
        """Returns status, headers and body; headers that are None are left out."""
        sent = {"Host": self.host, "Content-Type": "application/json", **self.headers, **(headers or {})}
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        self.connection.putrequest(method or ("GET" if content is None else "POST"), path, skip_host=True)
        for name, value in {**sent, "Content-Length": len(content or b"")}.items():
            if value is not None:
                self.connection.putheader(name, str(value))
        self.connection.endheaders(content)
        response = self.connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()

    def get(self, path, body=None):
        """Returns the JSON of a request that must succeed."""
        status, _, content = self.ask(path, body)
        assert status == 200, content
        return json.loads(content)


@contextmanager
def serving(out, runs, *, known=None, asking=Asking(repeats=0.0), goal=20):  # noqa: B008
    """Serves answers of a directory on a free port."""
    import uvicorn

    from baselines.preferences.people.guard import Guard
    from baselines.preferences.people.pictures import Pictures
    from baselines.preferences.people.server import Labeling, make_app

    config = LabelConfig(out, runs, question="Which run goes left?", goal=goal, asking=asking)
    dataset, episodes = Dataset(runs), Episodes(known)
    episodes.add(dataset)
    with closing(open_answers(config, dataset)) as store, closing(Pictures(episodes)) as pictures:
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        questions = Questions(store, asking, len(dataset), 0, episodes.truth)
        labeling = Labeling(questions, pictures, about_of(config, dataset))
        app = Guard(make_app(labeling), hosts_of("127.0.0.1", port), TOKEN, port)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Client(port), store
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def served(tmp_path, runs):
    """A client of a fresh server, and its answers."""
    with serving(tmp_path / "labels", runs) as both:
        yield both
