"""Requests read from proxy events."""

import base64
import gzip
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.http.reading.addresses import normalize_path
from dicomorph.http.reading.requests import Request, effective_method
from dicomorph.model.errors import BadFileFormatError, BadRequestError
from dicomorph.model.resources import Level


def _request(**event: Any) -> Request:
    return Request({"httpMethod": "GET", "path": "/", **event})


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/studies/", "/studies"),
        ("//studies//a///", "/studies/a"),
        ("/", "/"),
        ("", "/"),
        ("studies", "/studies"),
    ],
)
def test_slashes_are_normalized(path: str, normal: str) -> None:
    assert normalize_path(path) == normal


def test_the_first_part_of_the_path_is_the_level() -> None:
    request = _request(path="//series/a-b/labels/x")
    assert request.level is Level.SERIES
    assert request.segment(1) == "a-b"


@pytest.mark.parametrize(
    ("method", "headers", "query", "effective"),
    [
        ("POST", {"x-http-method-override": "put"}, {}, "PUT"),
        ("POST", {"x-http-method-override": "DELETE"}, {}, "DELETE"),
        ("GET", {}, {"_method": ["Delete"]}, "DELETE"),
        ("GET", {}, {"_method": ["PUT"]}, "PUT"),
        ("GET", {"x-http-method-override": "DELETE"}, {}, "GET"),
        ("POST", {}, {"_method": ["DELETE"]}, "POST"),
        ("POST", {"x-http-method-override": "PATCH"}, {}, "POST"),
        ("GET", {}, {"_method": [""]}, "GET"),
    ],
)
def test_put_and_delete_can_be_tunnelled(
    method: str, headers: dict[str, str], query: dict[str, list[str]], effective: str
) -> None:
    assert effective_method(method, headers, query) == effective


@pytest.mark.parametrize(
    ("value", "means"), [("", True), ("true", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_boolean_argument_is_true_by_its_presence(value: str, means: bool) -> None:  # noqa: FBT001
    assert _request(queryStringParameters={"expand": value}).flag("expand") is means
    assert _request(multiValueQueryStringParameters={"expand": [value]}).flag("expand") is means


def test_an_absent_boolean_argument_has_its_default() -> None:
    assert _request(queryStringParameters=None).flag("expand", default=True)
    assert not _request().flag("expand")


def test_a_boolean_argument_with_another_value_is_refused() -> None:
    with pytest.raises(BadFileFormatError):
        _request(queryStringParameters={"expand": "yes"}).flag("expand")


def test_since_and_limit_come_together() -> None:
    assert _request(queryStringParameters={"since": "3", "limit": "10"}).page() == (3, 10)
    assert _request().page() == (0, 0)
    with pytest.raises(BadRequestError) as caught:
        _request(queryStringParameters={"since": "3"}).page()
    assert caught.value.code == 8


@pytest.mark.parametrize("text", ["-1", "x", "", "1.5", "٣", "9" * 30])
def test_since_must_be_a_whole_number(text: str) -> None:
    with pytest.raises(BadFileFormatError):
        _request(queryStringParameters={"since": text, "limit": "1"}).page()


def test_a_body_is_read_whatever_carries_it(tmp_path: Path) -> None:
    spooled = tmp_path / "body"
    spooled.write_bytes(b'{"a":1}')
    assert _request(body='{"a":1}').json_object() == {"a": 1}
    assert _request(body=base64.b64encode(b'{"a":1}').decode(), isBase64Encoded=True).json_object() == {
        "a": 1
    }
    assert _request(bodyPath=str(spooled)).json_object() == {"a": 1}
    assert _request(bodyPath=str(spooled)).file(SCRATCH) == spooled


@pytest.mark.parametrize("text", ["", "[]", '"text"', "null", "3", "{"])
def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BadFileFormatError):
        _request(body=text).json_object()


def test_a_body_that_is_not_base64_although_it_should_be_is_refused() -> None:
    with pytest.raises(BadFileFormatError):
        _ = _request(body="a", isBase64Encoded=True).body


def _gzipped(data: bytes) -> Request:
    body = base64.b64encode(data).decode()
    return _request(body=body, isBase64Encoded=True, headers={"Content-Encoding": "gzip"})


SCRATCH = FileScratch(lambda: -1, largest_inflated=80 << 20)


def _inflated(data: bytes) -> bytes:
    with closing(_gzipped(data)) as request:
        file = request.file(SCRATCH)
        return file if isinstance(file, bytes) else file.read_bytes()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files lie; none may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("size", [1, 4 << 20, (4 << 20) + 1, 20 << 20])
def test_a_file_sent_as_gzip_is_inflated(size: int, temporary: Path) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    with closing(_gzipped(gzip.compress(data, 1, mtime=0))) as request:
        file = request.file(SCRATCH)
        # Eight of these at once must not take eight times their size of memory.
        assert isinstance(file, bytes) == (size <= 4 << 20)
        assert (file if isinstance(file, bytes) else file.read_bytes()) == data
        assert len(list(temporary.iterdir())) == isinstance(file, Path)


def test_a_large_gzip_is_inflated_from_a_file(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(70 << 20)  # noqa: S311 - reproducible, no secret
    (tmp_path / "body").write_bytes(gzip.compress(data, 0, mtime=0))
    headers = {"Content-Encoding": "gzip"}
    with closing(_request(bodyPath=str(tmp_path / "body"), headers=headers)) as request:
        file = request.file(SCRATCH)
        assert isinstance(file, Path)
        assert file.stat().st_size == len(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"DICM", gzip.compress(b"some text", mtime=0)[:-9], gzip.compress(b"x" * 9999, mtime=0)[:20]],
)
def test_a_file_that_is_no_whole_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(BadFileFormatError):
        _inflated(data)


@pytest.mark.parametrize("padding", [0, 1, 512, 100_000])
@pytest.mark.parametrize("size", [1, 100, 65_280, 1 << 20])
def test_a_gzip_of_several_members_is_read_to_its_end(size: int, padding: int) -> None:
    data = random.Random(1).randbytes(size * 3 + 7)  # noqa: S311 - reproducible, no secret
    members = [gzip.compress(data[at : at + size], 1, mtime=0) for at in range(0, len(data), size)]
    members.insert(1, gzip.compress(b"", mtime=0))
    body = b"".join(members)
    assert _inflated(body + bytes(padding)) == data
    for broken in (body[:-1], body + members[0][:-1], body + b"text", body + bytes(padding) + b"\1"):
        with pytest.raises(BadFileFormatError):
            _inflated(broken)


def test_a_small_gzip_can_fill_neither_the_memory_nor_the_time() -> None:
    with pytest.raises(BadFileFormatError, match="too large"):
        _inflated(gzip.compress(bytes(SCRATCH.largest_inflated + 1), 1))
    member = gzip.compress(bytes(20 << 20), 1)
    with pytest.raises(BadFileFormatError, match="too large"):
        _inflated(member * 5)
    with pytest.raises(BadFileFormatError, match="too many parts"):
        _inflated(gzip.compress(b"", mtime=0) * 30_000)


def test_the_address_of_the_client_is_in_the_context() -> None:
    assert _request(requestContext={"identity": {"sourceIp": "10.0.0.1"}}).remote_ip == "10.0.0.1"
    assert _request().remote_ip == ""


FORM = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n'
ZIP = b"PK\x03\x04\x14\x00"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize(
    ("body", "said"), [(b"", "is empty"), (FORM, "is a form"), (ZIP, "is a ZIP archive")]
)
def test_an_upload_that_is_something_else_is_told_so(
    tmp_path: Path,
    body: bytes,
    said: str,
    compressed: bool,  # noqa: FBT001
    on_disk: bool,  # noqa: FBT001
) -> None:
    sent = gzip.compress(body) if compressed else body
    event: dict[str, Any] = {
        "httpMethod": "POST",
        "headers": {"Content-Encoding": "gzip"} if compressed else {},
    }
    if on_disk:
        (tmp_path / "body").write_bytes(sent)
        event["bodyPath"] = str(tmp_path / "body")
    else:
        event |= {"body": base64.b64encode(sent).decode(), "isBase64Encoded": True}
    with pytest.raises(BadFileFormatError, match=said):
        Request(event).file(SCRATCH)


@pytest.mark.parametrize("beginning", [FORM, ZIP])
def test_a_preamble_may_look_like_anything(beginning: bytes) -> None:
    data = beginning.ljust(128, b"\0") + b"DICM and more"
    event = {"body": base64.b64encode(data).decode(), "isBase64Encoded": True}
    assert Request(event).file(SCRATCH) == data


@pytest.mark.parametrize(
    ("body", "said"), [("", "such as {}"), (" \n", "such as {}"), (FORM.decode(), "is a form")]
)
def test_json_that_is_something_else_is_told_so(body: str, said: str) -> None:
    with pytest.raises(BadFileFormatError, match=said):
        Request({"httpMethod": "POST", "body": body}).json_object()
