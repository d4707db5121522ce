"""What holds for every route: errors, slashes, tunnelled methods, several threads, silent logs."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from dicomorph.bootstrap import chosen_backend
from dicomorph.http.observability import get_logger
from dicomorph.http.resolver import build_resolver
from dicomorph.http.responses import text_answer
from local.functions import Context
from tests.support.api_client import Client, make_dicom


def test_an_error_body_has_exactly_orthancs_fields(client: Client) -> None:
    answer = client.post("/instances/nope/modify", {}, query={"a": "b"})
    assert answer.headers["content-type"] == "text/plain"
    assert answer.json == {
        "HttpError": "Not Found",
        "HttpStatus": 404,
        "Message": "Unknown resource",
        "Method": "POST",
        "OrthancError": "Unknown resource",
        "OrthancStatus": 17,
        "Uri": "/instances/nope/modify",
    }
    details = client.post("/instances/nope/modify", {"Keep": "x"}).json["Details"]
    assert isinstance(details, str)


def test_errors_are_not_described_where_that_is_set(make_client: Callable[..., Client]) -> None:
    answer = make_client(http_describe_errors=False).post("/instances", b"")
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(
    "path", ["/nope", "/instances/a/b", "/tools", "/studies/a/labels/b/c", "/favicon.ico"]
)
def test_an_unknown_path_is_a_404_with_an_error(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.error == (404, 17)
    assert answer.json["Uri"] == path


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/instances", "GET,POST"),
        ("GET", "/studies/a/modify", "POST"),
        ("POST", "/studies/a", "DELETE,GET"),
        ("DELETE", "/system", "GET"),
        ("POST", "/patients/a/labels/b", "DELETE,GET,PUT"),
        ("PATCH", "/jobs/a", "DELETE,GET"),
        ("GET", "/jobs/a/cancel", "POST"),
    ],
)
def test_a_wrong_method_is_an_empty_405(client: Client, method: str, path: str, allow: str) -> None:
    answer = client.call(method, path)
    assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", allow)


def test_head_is_not_found(client: Client) -> None:
    assert client.call("HEAD", "/system").status == 404


def test_a_method_tunnelled_to_a_function_without_it_is_a_405(client: Client) -> None:
    # So in the cloud, where a tunnelled method does not change which function is called. A 404 would
    # tell who deletes that there is nothing left to delete.
    event = {"path": "/studies/a", "httpMethod": "GET", "queryStringParameters": {"_method": "DELETE"}}
    answer = client.send("browse", event)
    assert (answer.status, answer.body, answer.headers["allow"]) == (405, b"", "DELETE,GET")


def test_doubled_and_trailing_slashes_do_no_harm(client: Client) -> None:
    path = client.upload()["Path"]
    assert client.post("//instances", make_dicom("B", 2)).status == 200
    assert len(client.get("/instances//").json) == 2
    assert client.get(f"/{path}/").status == 200
    assert client.get(f"{path}//tags/").status == 200


def test_put_and_delete_are_tunnelled(client: Client) -> None:
    path = client.upload()["Path"]
    assert client.post(f"{path}/labels/seen", headers={"X-HTTP-Method-Override": "PUT"}).status == 200
    assert client.get(f"{path}/metadata/1024", query={"_method": "put"}, body=b"x").status == 200
    assert client.get(f"{path}/metadata/1024").body == b"x"
    assert client.get(f"{path}/labels").json == ["seen"]
    assert client.get(path, query={"_method": "DELETE"}).json == {"RemainingAncestor": None}
    assert client.get("/instances").json == []


def test_json_is_read_whatever_its_content_type(client: Client) -> None:
    path = client.upload()["Path"]
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/dicom", ""):
        answer = client.post(f"{path}/modify", {"Keep": "x"}, headers={"Content-Type": kind})
        assert answer.error == (400, 8)


def test_an_argument_that_is_no_boolean_is_refused(client: Client) -> None:
    assert client.get("/studies", query={"expand": "maybe"}).error == (400, 15)


def _context() -> Any:
    return Context()


def test_an_unexpected_exception_is_an_internal_error_without_details() -> None:
    app = build_resolver(chosen_backend)

    @app.get("/broken")
    def broken() -> Response[str]:
        raise ValueError("SECRET^NAME")

    answer = app.resolve({"path": "/broken", "httpMethod": "GET"}, _context())
    assert answer["statusCode"] == 500
    assert '"OrthancStatus": -1' in answer["body"]
    assert "Details" not in answer["body"]
    assert "SECRET" not in answer["body"]


def test_requests_served_at_the_same_time_do_not_mix() -> None:
    app = build_resolver(chosen_backend)
    both_are_in = threading.Barrier(2, timeout=30)

    @app.get("/echo/<name>")
    def echo(name: str) -> Response[str]:
        both_are_in.wait()
        return text_answer(f"{name} {app.incoming.path} {app.current_event.path}")

    answers: dict[str, str] = {}

    def call(name: str) -> None:
        answers[name] = app.resolve({"path": f"/echo/{name}", "httpMethod": "GET"}, _context())["body"]

    threads = [threading.Thread(target=call, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: f"{name} /echo/{name} /echo/{name}" for name in ("one", "two")}


class _Everything(logging.Handler):
    """Keeps all that a log record carries, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        formatter = logging.Formatter()
        trace = formatter.formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(f"{record.getMessage()} {record.__dict__} {trace}")


@pytest.fixture
def log() -> Iterator[list[str]]:
    handler = _Everything()
    loggers: list[Any] = [logging.getLogger(), logging.getLogger("dicomorph")]
    get_logger()
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler.lines
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


SECRET = "SECRET42"


def test_no_log_line_holds_an_identifier(
    client: Client, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded = client.upload(SECRET, PatientName=f"{SECRET}^Jane", StudyDescription=SECRET)
    study = f"/studies/{uploaded['ParentStudy']}"
    client.post("/instances", f"{SECRET} is no DICOM")
    client.post("/instances", make_dicom(SECRET)[:-20])
    client.get(f"/instances/{SECRET}", query={SECRET: SECRET})
    client.get(f"/{SECRET}")
    client.get(study, headers={SECRET: SECRET})
    client.put(f"{study}/metadata/1024", SECRET)
    client.put(f"{study}/labels/{SECRET}")
    client.post(f"{uploaded['Path']}/modify", {"Replace": {"PatientName": SECRET}})
    client.post(f"{uploaded['Path']}/modify", {"Replace": {SECRET: SECRET}})
    client.post(f"{uploaded['Path']}/modify", f'{{"{SECRET}"')
    client.post(f"{uploaded['Path']}/modify", {"Replace": {"Rows": SECRET}})
    client.post(f"{study}/anonymize", {"Replace": {"PatientName": SECRET}, "UserData": SECRET})
    monkeypatch.setattr(type(client.backend.index.catalogue), "get", _broken)
    assert client.get(study).error == (500, -1)
    assert any("ValueError" in line and "test_conventions.py" in line for line in log)
    assert len(log) > 10
    planted = {SECRET, uploaded["ID"], uploaded["ParentStudy"], uploaded["ParentPatient"], "1.2.3.1"}
    assert [line for line in log if any(value in line for value in planted)] == []


def _broken(*_arguments: object) -> None:
    raise ValueError(SECRET)
