"""The proxy event that a WSGI request becomes."""

import base64
import io
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from local.answers import write_answer
from local.application import LARGEST_EVENT_BODY, Application
from local.functions import Functions
from local.routing import Router
from local.template import Route

ROUTES = [
    Route("ANY", "/{proxy+}", "unmatched"),
    Route("GET", "/studies/{id}/metadata/{name}", "browse"),
    Route("PUT", "/studies/{id}/metadata/{name}", "annotations"),
    Route("POST", "/instances", "instances"),
]


class Recorder(Functions):
    """Stands for the functions; remembers what it was called with and what a spooled body held."""

    def __init__(self) -> None:
        self.folder = ""
        self.event: dict[str, Any] = {}
        self.spooled = b""

    def call(self, folder: str, event: dict[str, Any]) -> dict[str, Any]:
        self.folder, self.event = folder, event
        if "bodyPath" in event:
            self.spooled = Path(event["bodyPath"]).read_bytes()
        return {"statusCode": 200, "multiValueHeaders": {"Content-Type": ["text/plain"]}, "body": "ok"}


@pytest.fixture
def functions() -> Recorder:
    return Recorder()


@pytest.fixture
def application(functions: Recorder, tmp_path: Path) -> Application:
    return Application(Router(ROUTES), functions, objects=tmp_path / "objects", spool=tmp_path)


def request(application: Application, method: str, path: str, body: bytes = b"", **environ: str) -> None:
    path, _, query = path.partition("?")
    application(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            **environ,
        },
        lambda _status, _headers: None,
    )


def test_an_event_names_its_route_and_parameters(application: Application, functions: Recorder) -> None:
    request(
        application,
        "GET",
        "/studies//abc/metadata/x/?expand&a=1&a=2",
        HTTP_ACCEPT="*/*",
        CONTENT_TYPE="text/x",
    )
    event = functions.event
    assert functions.folder == "browse"
    assert (event["resource"], event["path"]) == ("/studies/{id}/metadata/{name}", "/studies/abc/metadata/x")
    assert event["pathParameters"] == {"id": "abc", "name": "x"}
    assert event["queryStringParameters"] == {"expand": "", "a": "2"}
    assert event["multiValueQueryStringParameters"] == {"expand": [""], "a": ["1", "2"]}
    assert event["headers"]["Accept"] == "*/*"
    assert event["multiValueHeaders"]["Content-Type"] == ["text/x"]
    assert event["requestContext"]["identity"]["sourceIp"] == "192.0.2.1"
    assert event["requestContext"]["resourcePath"] == "/studies/{id}/metadata/{name}"
    assert (event["body"], event["isBase64Encoded"]) == (None, False)


def test_a_request_without_query_has_none(application: Application, functions: Recorder) -> None:
    request(application, "GET", "/nope")
    assert functions.folder == "unmatched"
    assert functions.event["pathParameters"] == {"proxy": "nope"}
    assert functions.event["queryStringParameters"] is None
    assert functions.event["multiValueQueryStringParameters"] is None


def test_a_body_is_encoded(application: Application, functions: Recorder) -> None:
    request(application, "POST", "/instances", b"\0\xff")
    assert functions.event["isBase64Encoded"] is True
    assert base64.b64decode(functions.event["body"]) == b"\0\xff"


def test_a_large_body_goes_past_the_event_and_is_gone_afterwards(
    application: Application, functions: Recorder, tmp_path: Path
) -> None:
    body = bytes(LARGEST_EVENT_BODY + 1)
    request(application, "POST", "/instances", body)
    assert functions.event["body"] is None
    assert functions.spooled == body
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_replaced_meanwhile_is_asked_for_again(tmp_path: Path) -> None:
    files = [tmp_path / "objects" / name for name in ("old", "new")]
    files[1].parent.mkdir()
    files[1].write_bytes(b"new")
    links = [file.as_uri() for file in files]

    class Linking(Functions):
        def __init__(self) -> None:
            pass

        def call(self, folder: str, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
            return {"statusCode": 303, "headers": {"Location": links.pop(0)}, "body": ""}

    application = Application(Router(ROUTES), Linking(), objects=tmp_path / "objects", spool=tmp_path)
    sent: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/studies/a/metadata/b",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.file_wrapper": FileWrapper,
    }
    body = application(environ, lambda status, _: sent.append(status))
    assert isinstance(body, FileWrapper)
    assert (sent, b"".join(body)) == (["200 OK"], b"new")
    body.close()


def test_a_tunnelled_method_is_the_method(application: Application, functions: Recorder) -> None:
    request(application, "POST", "/studies/a/metadata/b", HTTP_X_HTTP_METHOD_OVERRIDE="PUT")
    assert (functions.folder, functions.event["httpMethod"]) == ("annotations", "PUT")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "file://{objects}/../secret", "https://bucket.example/x"]
)
def test_only_links_into_the_object_store_become_files(tmp_path: Path, url: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    sent: list[tuple[str, list[tuple[str, str]]]] = []
    location = url.format(objects=tmp_path / "objects")
    answer = {"statusCode": 303, "headers": {"Location": location}, "body": ""}
    body = write_answer(answer, {}, lambda *args: sent.append(args), objects=tmp_path / "objects")
    assert (sent[0][0], b"".join(body)) == ("303 See Other", b"")
