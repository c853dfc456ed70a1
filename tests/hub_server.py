"""A model hub on loopback that has what a test puts there and misbehaves on demand."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_API = re.compile(r"/api/(?P<kind>models|datasets)/(?P<id>[^/]+/[^/]+)(?P<rest>/.*)?")
_RESOLVE = re.compile(r"/(?P<datasets>datasets/)?(?P<id>[^/]+/[^/]+)/resolve/(?P<rest>.+)")
_LARGE = (".parquet", ".safetensors")


@dataclass(frozen=True)
class Request:
    """method and path as they came; first, last: the bytes that were asked for; authorization: the
    header of that name, or ""; host: which of the server's two names it was sent to."""

    method: str
    path: str
    first: int
    last: int | None
    authorization: str
    host: str


@dataclass
class Repository:
    """files: name -> content, by revision. token: what a request must carry, if anything."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    token: str = ""


@dataclass
class Faults:
    """What happens to the content of one file, whoever asks.

    broken_after: for the first, second, … answer, how many bytes come before the connection breaks.
    stalls_after: so many bytes come, and then nothing more. corrupt: one byte is another.
    statuses: what the first, second, … request gets in place of an answer.
    """

    broken_after: list[int] = field(default_factory=list)
    stalls_after: int | None = None
    corrupt: bool = False
    statuses: list[int] = field(default_factory=list)


class HubServer:
    """A context manager; `url` is what HF_ENDPOINT has to be.

    A request for the content of a large file is sent on to another host, as the hub does: to
    `localhost` in place of `127.0.0.1`.
    """

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.faults: dict[str, Faults] = {}
        self.received: list[Request] = []
        self.stalled = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> HubServer:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub._handle(self)

            do_HEAD = do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that was killed is no fault of the server."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def add(
        self, repo_id: str, files: dict[str, bytes], kind: str = "datasets", token: str = ""
    ) -> str:
        """Commit `files`, name -> content, as a revision of a repository; returns its hash."""
        names = json.dumps({name: hashlib.sha1(files[name]).hexdigest() for name in files})
        revision = hashlib.sha1(names.encode()).hexdigest()
        repository = self.repositories.setdefault((kind, repo_id), Repository())
        repository.files[revision] = files
        repository.token = token
        return revision

    def content_requests(self, name: str) -> list[int]:
        """The first byte that each GET for the content of the file `name` asked for."""
        contents = [
            content
            for repository in self.repositories.values()
            for files in repository.files.values()
            for path, content in files.items()
            if path == name
        ]
        wanted = [f"/content/{hashlib.sha256(content).hexdigest()}" for content in contents]
        with self._lock:
            return [
                request.first
                for request in self.received
                if request.method == "GET" and request.path in wanted
            ]

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        path = unquote(urlsplit(request.path).path)
        received = Request(
            request.command,
            path,
            int(span[1]) if span else 0,
            int(span[2]) if span and span[2] else None,
            request.headers.get("Authorization", ""),
            request.headers["Host"].partition(":")[0],
        )
        with self._lock:
            self.received.append(received)
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if path.startswith("/content/"):
            return self._send_content(request, received, path.removeprefix("/content/"))
        if match := _API.fullmatch(path):
            return self._send_api(request, received, match, body)
        if match := _RESOLVE.fullmatch(path):
            return self._send_resolved(request, received, match)
        return _send(request, 404)

    def _send_api(
        self, request: BaseHTTPRequestHandler, received: Request, match: re.Match, body: bytes
    ) -> None:
        what, revision, under = ((match["rest"] or "").removeprefix("/") + "//").split("/", 2)
        repository = self._allowed(request, received, match["kind"], match["id"])
        if repository is None:
            return
        files = repository.files.get(revision)
        if files is None:
            return _send(request, 404, {"X-Error-Code": "RevisionNotFound"})
        entries = _tree(files)
        if what == "tree":
            query = parse_qs(urlsplit(request.path).query)
            answer = _below(entries, under.strip("/"), query.get("recursive") == ["true"])
        elif what == "paths-info":
            paths = json.loads(body)["paths"]
            answer = [entry for entry in entries if entry["path"] in paths]
        else:
            siblings = [{"rfilename": name} for name in files]
            answer = {"id": match["id"], "sha": revision, "siblings": siblings}
        _send(request, 200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _send_resolved(
        self, request: BaseHTTPRequestHandler, received: Request, match: re.Match
    ) -> None:
        kind = "datasets" if match["datasets"] else "models"
        repository = self._allowed(request, received, kind, match["id"])
        if repository is None:
            return
        revision, _, name = match["rest"].partition("/")
        if revision not in repository.files:
            return _send(request, 404, {"X-Error-Code": "RevisionNotFound"})
        commit = {"X-Repo-Commit": revision}
        if name not in repository.files[revision]:
            return _send(request, 404, {**commit, "X-Error-Code": "EntryNotFound"})
        faults = self.faults.get(name, Faults())
        if faults.statuses:
            return _send(request, faults.statuses.pop(0))
        content = repository.files[revision][name]
        entry = _entry(name, content)
        if "lfs" not in entry:
            headers = {**commit, "ETag": f'"{entry["oid"]}"'}
            return _send(request, 200, headers, content)
        sha256 = entry["lfs"]["oid"]
        linked = {"X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(content))}
        location = f"http://localhost:{self.port}/content/{sha256}?signed=for-an-hour"
        _send(request, 302, {**commit, **linked, "Location": location})

    def _allowed(
        self, request: BaseHTTPRequestHandler, received: Request, kind: str, repo_id: str
    ) -> Repository | None:
        """The repository, or None if the request was answered with a refusal.

        Like the hub, it lists a gated repository to everyone, and repeats a token that is wrong.
        """
        repository = self.repositories.get((kind, repo_id))
        if repository is None:
            _send(request, 401, {"X-Error-Code": "RepoNotFound"})
        elif repository.token and not received.path.startswith("/api/"):
            if not received.authorization:
                _send(request, 401, {"X-Error-Code": "GatedRepo"})
                return None
            if received.authorization != f"Bearer {repository.token}":
                said = f"Invalid credentials in Authorization header: {received.authorization}"
                _send(request, 401, {"X-Error-Message": said})
                return None
        return repository

    def _send_content(
        self, request: BaseHTTPRequestHandler, received: Request, sha256: str
    ) -> None:
        name, content = next(
            (name, content)
            for repository in self.repositories.values()
            for files in repository.files.values()
            for name, content in files.items()
            if hashlib.sha256(content).hexdigest() == sha256
        )
        faults = self.faults.get(name, Faults())
        if faults.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        first, whole = received.first, len(content)
        rest = content[first:] if received.last is None else content[first : received.last + 1]
        request.send_response(206 if "Range" in request.headers else 200)
        request.send_header("Content-Length", str(len(rest)))
        if "Range" in request.headers:
            stated = f"bytes {first}-{first + len(rest) - 1}/{whole}"
            request.send_header("Content-Range", stated)
        request.end_headers()
        if request.command == "HEAD":
            return
        broken = faults.broken_after.pop(0) if faults.broken_after else None
        until = broken if broken is not None else faults.stalls_after
        request.wfile.write(rest[:until])
        if broken is not None:
            request.close_connection = True
        elif until is not None:
            self.stalled.set()
            self._closing.wait()


def _tree(files: dict[str, bytes]) -> list[dict]:
    folders = {name[:at] for name in files for at, letter in enumerate(name) if letter == "/"}
    listed = [{"type": "directory", "path": path, "oid": "0" * 40} for path in sorted(folders)]
    return listed + [_entry(name, content) for name, content in files.items()]


def _below(entries: list[dict], folder: str, recursive: bool) -> list[dict]:
    prefix = f"{folder}/" if folder else ""
    rest = {entry["path"]: entry["path"].removeprefix(prefix) for entry in entries}
    return [
        entry
        for entry in entries
        if entry["path"].startswith(prefix) and (recursive or "/" not in rest[entry["path"]])
    ]


def _entry(name: str, content: bytes) -> dict:
    """A file as the hub lists it; large ones are in LFS."""
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry = {"type": "file", "path": name, "oid": oid, "size": len(content)}
    if name.endswith(_LARGE):
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
    return entry


def _send(
    request: BaseHTTPRequestHandler,
    status: int,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> None:
    request.send_response(status)
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)
