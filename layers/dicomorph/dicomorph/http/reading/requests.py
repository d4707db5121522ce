"""Requests as API Gateway hands them to a function, read the way Orthanc reads its own (spec 2.1)."""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.http.reading.addresses import normalize_path, repaired_address, root_and_path
from dicomorph.http.reading.bodies import check_file_body, check_json_body, inflate
from dicomorph.http.reading.json_body import parse_json
from dicomorph.model.errors import BadFileFormatError, BadRequestError
from dicomorph.model.resources import LEVEL_NAMES, Json, Level
from dicomorph.services.fields import json_object

LARGEST_JSON = 64 << 20

_FLAGS = {"": True, "true": True, "1": True, "false": False, "0": False}
_TUNNELS = ("PUT", "DELETE")


def effective_method(method: str, headers: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> str:
    """Return the method that a request means: PUT and DELETE may be tunnelled (spec 2.1).

    Not through an argument by a browser, which asks for whatever address a page names as an image.

    Parameters
    ----------
    headers : Mapping[str, str]
        With lower-case names.
    query : Mapping[str, Sequence[str]]
        The values of each argument.
    """
    asked = ""
    if method == "POST":
        asked = headers.get("x-http-method-override", "")
    elif method == "GET" and not _is_from_browser(headers):
        asked = (query.get("_method") or ("",))[-1]
    return asked.upper() if asked.upper() in _TUNNELS else method


class Request:
    """One request, from the proxy event of a REST API.

    Parameters
    ----------
    event : Mapping[str, Any]
        The event. A body too large for it stands beside: ``bodyBytes`` at its top level is the
        body itself, ``bodyPath`` names a file that holds it. Only the embedded front sets these.

    Attributes
    ----------
    root : str
        What the addresses of the API begin with behind the host, as the client sees them: the stage,
        or the base path of a custom domain; empty on one machine.
    path : str
        What was asked for, without that.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event
        self._temporary: list[Path] = []
        self.root, path = root_and_path(event)
        self.path = normalize_path(path)
        self.headers = _headers(event)
        self.query = _query(event)
        self._sent_method = str(event.get("httpMethod", "GET")).upper()
        self.method = effective_method(self._sent_method, self.headers, self.query)

    def close(self) -> None:
        """Remove what was made for this request alone."""
        while self._temporary:
            self._temporary.pop().unlink(missing_ok=True)  # the store may have taken it

    @property
    def level(self) -> Level:
        """The level whose route was called."""
        return LEVEL_NAMES[self.path.split("/")[1]]

    def segment(self, position: int) -> str:
        """Return one part of the path; 0 is the first."""
        return self.path.split("/")[position + 1]

    def address(self, *, is_tls: bool) -> str:
        """Return what the addresses of the API begin with for this client; without a host if it names none.

        Parameters
        ----------
        is_tls : bool
            Whether this server itself speaks TLS. One that stands in front says so in a header.
        """
        host = self.headers.get("host", "")
        is_tls = is_tls or self.headers.get("x-forwarded-proto", "").strip().lower() == "https"
        return f"{'https' if is_tls else 'http'}://{host}{self.root}" if host else self.root

    @property
    def evades_permissions(self) -> bool:
        """Whether it means another method than the one that the gateway has let the caller use."""
        return self.method != self._sent_method and bool(self.principal)

    @property
    def repaired_address(self) -> str:
        """Where the client finds what it asked for with superfluous slashes; empty if it used none."""
        return repaired_address(self._event, self.query)

    @property
    def remote_ip(self) -> str:
        """The address of the client, empty if the event does not tell."""
        return str(self._identity.get("sourceIp") or "")

    @property
    def principal(self) -> str:
        """Who the gateway has verified the caller to be (IAM), empty if it has not."""
        return str(self._identity.get("userArn") or self._identity.get("user") or "")

    @property
    def _identity(self) -> Mapping[str, Any]:
        return (self._event.get("requestContext") or {}).get("identity") or {}

    @functools.cached_property
    def body(self) -> bytes | Path:
        """The body as sent, or the file that holds it.

        Raises
        ------
        BadFileFormatError
            If the event's base64 is broken.
        """
        spooled = self._event.get("bodyPath")
        if spooled:
            return Path(spooled)
        beside = self._event.get("bodyBytes")
        if isinstance(beside, bytes):
            return beside
        body = self._event.get("body") or ""
        if not self._event.get("isBase64Encoded"):
            return str(body).encode("utf-8", "surrogateescape")
        try:
            return base64.b64decode(body)
        except binascii.Error as error:
            raise BadFileFormatError("The body of the request is not base64") from error

    def text(self) -> str:
        """Return a short body as text.

        Raises
        ------
        BadFileFormatError
            If it is not UTF-8, or not short.
        """
        try:
            return self._bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise BadFileFormatError("The body of the request is not UTF-8") from None

    def json_object(self) -> dict[str, Json]:
        """Return the body as a JSON object, whatever its content type.

        Raises
        ------
        BadFileFormatError
            If it is anything else: empty, no JSON, an array, a string, null (spec 2.4).
        """
        body = self._bytes()
        check_json_body(body)
        return json_object(parse_json(body))

    @property
    def body_size(self) -> int:
        """Bytes of the body as sent."""
        body = self.body
        return len(body) if isinstance(body, bytes) else body.stat().st_size

    def file(self, scratch: FileScratch) -> bytes | Path:
        """Return an uploaded file, inflated if it was sent with ``Content-Encoding: gzip``.

        It may lie on the disk until the request is closed.

        Parameters
        ----------
        scratch : FileScratch
            Says how much may be inflated.

        Raises
        ------
        BadFileFormatError
            If it is not gzip, cut off, or inflates beyond what is allowed; if it is empty, or the
            kind of body that files are often sent in elsewhere.
        """
        if self.headers.get("content-encoding", "").strip().lower() == "gzip":
            file: bytes | Path = inflate(self.body, self._temporary.append, scratch)
        else:
            file = self.body
        check_file_body(file)
        return file

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean argument: its presence means true, and so do ``true`` and ``1`` (spec 2.1).

        The fields of a body are another thing: there only JSON's booleans will do
        (`model.json_fields.read_boolean`).

        Raises
        ------
        BadFileFormatError
            For any other value than these, ``false`` and ``0``.
        """
        values = self.query.get(name)
        if values is None:
            return default
        try:
            return _FLAGS[values[-1]]
        except KeyError:
            raise BadFileFormatError(f"The argument {name} must be true or false") from None

    def page(self) -> tuple[int, int]:
        """Return ``since`` and ``limit``, which come together or not at all; no limit is 0.

        Raises
        ------
        BadRequestError
            If only one is given.
        BadFileFormatError
            If one is not a whole number.
        """
        given = [self.query[name][-1] for name in ("since", "limit") if name in self.query]
        if not given:
            return 0, 0
        if len(given) == 1:
            raise BadRequestError("The arguments since and limit must be given together")
        if not all(re.fullmatch("[0-9]{1,18}", text) for text in given):
            raise BadFileFormatError("The arguments since and limit must be whole numbers")
        return int(given[0]), int(given[1])

    def _bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if self.body.stat().st_size > LARGEST_JSON:
            raise BadFileFormatError("The body of the request is too large")
        return self.body.read_bytes()


def _is_from_browser(headers: Mapping[str, str]) -> bool:
    # They send the first to addresses that they trust: with TLS, or of this machine.
    return "sec-fetch-mode" in headers or headers.get("user-agent", "").startswith("Mozilla/")


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    several = event.get("multiValueHeaders") or {}
    single = event.get("headers") or {}
    return {name.lower(): str(value) for name, value in single.items()} | {
        name.lower(): ",".join(values) for name, values in several.items()
    }


def _query(event: Mapping[str, Any]) -> dict[str, list[str]]:
    single = event.get("queryStringParameters") or {}
    several = event.get("multiValueQueryStringParameters") or {}
    return {name: [str(value or "")] for name, value in single.items()} | {
        name: [str(value or "") for value in values] for name, values in several.items() if values
    }
