"""A machine that has no data, and a server on the loopback address that publishes some."""

import contextlib
import http.server
import os
import socket
import threading

import pytest

from mcrepro.data import registry
from mcrepro.data.registry import Dataset, Form, Part

#: The folder of real data, if this machine has one; tests see it only through `real_folder`.
REAL_FOLDER = os.environ.get("MCREPRO_DATA")


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch, tmp_path):
    """No data folder, an empty download cache, no proxy before the loopback address."""
    monkeypatch.delenv("MCREPRO_DATA", raising=False)
    monkeypatch.delenv("MCREPRO_OFFLINE", raising=False)
    monkeypatch.setenv("MCREPRO_DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder that MCREPRO_DATA names."""
    path = tmp_path / "folder"
    path.mkdir()
    monkeypatch.setenv("MCREPRO_DATA", str(path))
    return path


@pytest.fixture
def real_folder(monkeypatch):
    if not REAL_FOLDER:
        pytest.skip("needs the real data: set MCREPRO_DATA to their folder")
    monkeypatch.setenv("MCREPRO_DATA", REAL_FOLDER)
    return REAL_FOLDER


@pytest.fixture
def register(monkeypatch):
    """Return a function that registers a data set of tab-separated triples made of `parts`."""
    known = dict(registry.datasets())
    monkeypatch.setattr(registry, "datasets", lambda: known)

    def add(*forms, name="toy", **fields):
        fields = {
            "title": "Toy ratings",
            "reader": "table",
            "options": {"sep": "\t", "columns": [0, 1, 2], "header": False},
            "rows": "user",
            "cols": "item",
            "terms": "none",
            "citation": "none",
        } | fields
        forms = tuple(Form("first", tuple(Part(**part) for part in parts)) for parts in forms)
        known[name] = Dataset(name=name, forms=forms, **fields)
        return known[name]

    return add


class Server:
    """Serves `files` by path. A body may announce more bytes than it has, as a broken line does."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.missing_bytes = 0
        self.requests: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self):
                outer.requests.append(self.path)
                body = outer.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body) + outer.missing_bytes))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=10)


@pytest.fixture
def server():
    with contextlib.closing(Server()) as running:
        yield running


@pytest.fixture
def refusing_url():
    """An address at which nobody listens, as long as the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, never listening
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
