"""Answers about one metadata, with the ETag that names its revision (spec 2.5)."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.reading.requests import Request
from dicomorph.http.responses import empty_answer, text_answer
from dicomorph.model.resources import MetadataValue
from dicomorph.services.annotate.metadata import Written, etag_of

_STATUS = {
    Written.DONE: HTTPStatus.OK,
    Written.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Written.ABSENT: HTTPStatus.NOT_FOUND,
}


def given_etag(request: Request, header: str) -> str | None:
    """Return the ETag in ``If-Match`` or ``If-None-Match``, without its quotes; None if there is none."""
    value = request.headers.get(header)
    return None if value is None else value.strip().removeprefix("W/").strip('"')


def read_answer(request: Request, entry: MetadataValue | None) -> Response[str]:
    """Answer with a value; with 304 if the client has it already, with 404 if it is not set."""
    if entry is None:
        return empty_answer(HTTPStatus.NOT_FOUND)
    if given_etag(request, "if-none-match") == etag_of(entry):
        return empty_answer(HTTPStatus.NOT_MODIFIED, headers=_etag(entry))
    return text_answer(entry.value, headers=_etag(entry))


def write_answer(written: Written, entry: MetadataValue | None = None) -> Response[str]:
    """Answer to a change, without a body."""
    return empty_answer(_STATUS[written], headers=None if entry is None else _etag(entry))


def _etag(entry: MetadataValue) -> dict[str, str | list[str]]:
    return {"ETag": f'"{etag_of(entry)}"'}
