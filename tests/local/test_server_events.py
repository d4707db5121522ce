"""The proxy event that a request becomes, and what goes past it."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.embedded.backend import embedded_backend
from dicomorph.model.settings import Settings
from local.answers import outgoing
from local.application import WAITING, Application
from local.events import LARGEST_EVENT_BODY
from local.functions import Functions
from local.routing import Router
from local.template import TEMPLATE, Route
from tests.local.front import ROUTER, Acting, Sent, ask, says
from tests.support.api_client import make_dicom
from tests.support.idle_runner import IdleRunner

MIB = 1 << 20
FUNCTIONS = sorted(app.parent.name for app in (TEMPLATE.parent / "functions").glob("*/app.py"))
ROUTES = [
    Route("ANY", "/{proxy+}", "unmatched"),
    Route("GET", "/studies/{id}/metadata/{name}", "browse"),
    Route("PUT", "/studies/{id}/metadata/{name}", "annotations"),
    Route("POST", "/instances", "instances"),
]


class Recorder:
    """Remembers the last event, and what its body was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.event: dict[str, Any] = {}
        self.body: bytes | None = None
        self.application = Application(Router(ROUTES), Acting(self._act), objects=folder / "objects")

    def _act(self, event: dict[str, Any], _: object) -> dict[str, Any]:
        self.event, self.body = event, event.get("bodyBytes")
        if "bodyPath" in event:
            self.body = Path(event["bodyPath"]).read_bytes()
        elif event["body"]:
            self.body = base64.b64decode(event["body"])
        return says()

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Sent:
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return ask(self.application, "\r\n".join([*lines, "", ""]).encode() + body, self.folder)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def test_an_event_names_its_route_and_parameters(recorder: Recorder) -> None:
    recorder.request("GET", "/studies//abc/metadata/x/?expand&a=1&a=2", Accept="*/*", Content_Type="text/x")
    event = recorder.event
    assert event["folder"] == "browse"
    assert (event["resource"], event["path"]) == ("/studies/{id}/metadata/{name}", "/studies/abc/metadata/x")
    assert event["pathParameters"] == {"id": "abc", "name": "x"}
    assert event["queryStringParameters"] == {"expand": "", "a": "2"}
    assert event["multiValueQueryStringParameters"] == {"expand": [""], "a": ["1", "2"]}
    assert event["headers"]["Accept"] == "*/*"
    assert event["multiValueHeaders"]["Content-Type"] == ["text/x"]
    assert event["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"
    assert event["requestContext"]["resourcePath"] == "/studies/{id}/metadata/{name}"
    assert (event["body"], event["isBase64Encoded"]) == (None, False)


def test_a_request_without_query_has_none(recorder: Recorder) -> None:
    recorder.request("GET", "/nope")
    assert recorder.event["folder"] == "unmatched"
    assert recorder.event["pathParameters"] == {"proxy": "nope"}
    assert recorder.event["queryStringParameters"] is None
    assert recorder.event["multiValueQueryStringParameters"] is None


@pytest.mark.parametrize("target", ["/studies/a%20b/metadata/x", "http://other/studies/a%20b/metadata/x#y"])
def test_a_path_is_decoded(recorder: Recorder, target: str) -> None:
    recorder.request("GET", target)
    assert recorder.event["pathParameters"] == {"id": "a b", "name": "x"}


@pytest.mark.parametrize(
    ("size", "key"),
    [
        (2, "body"),
        (LARGEST_EVENT_BODY, "body"),
        (LARGEST_EVENT_BODY + 1, "bodyBytes"),
        (MIB, "bodyBytes"),
        (MIB + 1, "bodyPath"),
        (5 * MIB, "bodyPath"),
    ],
)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_body_is_within_the_event_or_beside_it_and_gone_afterwards(
    recorder: Recorder, tmp_path: Path, size: int, key: str, *, in_chunks: bool
) -> None:
    body = b"\0\xff" * (size // 2) + b"\1" * (size % 2)
    if in_chunks:
        coded = b"".join(
            f"{len(piece):x};a=b\r\n".encode() + piece + b"\r\n"
            for piece in (body[start : start + 99_999] for start in range(0, size, 99_999))
        )
        head = b"POST /instances HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        ask(recorder.application, head + coded + b"0\r\nX-Sum: 1\r\n\r\n", tmp_path)
    else:
        recorder.request("POST", "/instances", body)
    assert recorder.body == body
    assert [name for name in ("body", "bodyBytes", "bodyPath") if recorder.event.get(name)] == [key]
    assert recorder.event["isBase64Encoded"] is (key == "body")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_replaced_meanwhile_is_asked_for_again(tmp_path: Path) -> None:
    files = [tmp_path / "objects" / name for name in ("old", "new")]
    files[1].parent.mkdir()
    files[1].write_bytes(b"new")
    links = [file.as_uri() for file in files]

    def link(_: object, __: object) -> dict[str, Any]:
        return {"statusCode": 303, "headers": {"Location": links.pop(0)}, "body": ""}

    application = Application(Router(ROUTES), Acting(link), objects=tmp_path / "objects")
    sent = ask(application, b"GET /studies/a/metadata/b HTTP/1.1\r\n\r\n", tmp_path)
    assert (sent.outgoing.status, sent.body) == (200, b"new")


def test_a_tunnelled_method_is_the_method(recorder: Recorder) -> None:
    recorder.request("POST", "/studies/a/metadata/b", X_HTTP_Method_Override="PUT")
    assert (recorder.event["folder"], recorder.event["httpMethod"]) == ("annotations", "PUT")


@pytest.mark.parametrize("query", ["", "?_method=PUT", "?_method=DELETE"])
def test_head_is_a_get_and_nothing_else(recorder: Recorder, query: str) -> None:
    sent = recorder.request("HEAD", f"/studies/a/metadata/b{query}")
    assert (recorder.event["folder"], recorder.event["httpMethod"]) == ("browse", "GET")
    assert recorder.event["queryStringParameters"] is None
    assert ("Content-Length: 2" in sent.head, sent.body) == (True, b"")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "file://{objects}/../secret", "https://bucket.example/x"]
)
def test_only_links_into_the_object_store_become_files(tmp_path: Path, url: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    location = url.format(objects=tmp_path / "objects")
    answer = {"statusCode": 303, "headers": {"Location": location}, "body": ""}
    found = outgoing(answer, objects=tmp_path / "objects")
    assert (found.status, found.body, found.size) == (303, b"", 0)
    assert ("Location", location) in found.headers


def test_the_functions_that_wait_for_jobs_are_known() -> None:
    waiting = {
        f"functions/{app.parent.name}"
        for app in (TEMPLATE.parent / "functions").glob("*/app.py")
        if "answer_with_job" in app.read_text() or "answers.modifications" in app.read_text()
    }
    assert waiting == WAITING


class Listening(Functions):
    """The functions themselves; remembers what they answered."""

    answer: dict[str, Any]

    def call(self, folder: str, event: dict[str, Any], **options: Any) -> dict[str, Any]:
        self.answer = super().call(folder, event, **options)
        return self.answer


@pytest.mark.parametrize("size", [1000, LARGEST_EVENT_BODY - 2000, LARGEST_EVENT_BODY, MIB - 2000, 3 * MIB])
def test_the_handlers_answer_the_same_events_and_no_large_answer_is_encoded(
    tmp_path: Path, size: int
) -> None:
    (tmp_path / "spool").mkdir()
    bootstrap.use_backend(embedded_backend(tmp_path, Settings(), epoch=None, runner=IdleRunner()))
    functions = Listening(TEMPLATE.parent, [f"functions/{name}" for name in FUNCTIONS])
    application = Application(ROUTER, functions, objects=tmp_path / "objects")

    def call(method: str, path: str, body: bytes) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        sent = ask(application, head.encode() + body, tmp_path / "spool")
        assert sent.outgoing.status == 200
        coded = functions.answer["isBase64Encoded"]
        assert not coded or len(sent.body) <= LARGEST_EVENT_BODY
        return sent.body

    data = make_dicom(EncapsulatedDocument=bytes(size // 2 * 2))
    path = json.loads(call("POST", "/instances", data))["Path"]
    assert call("GET", f"{path}/file", b"") == data
    edited = call("POST", f"{path}/anonymize", b'{"Keep": ["EncapsulatedDocument"]}')
    assert len(edited) > size
    bootstrap.use_backend(None)
