"""Answers in Orthanc's shapes (spec 2.1)."""

from __future__ import annotations

import json

from aws_lambda_powertools.event_handler import Response

from dicomorph.model.resources import Json

JSON = "application/json; charset=utf-8"
TEXT = "text/plain"
DICOM = "application/dicom"
HTML = "text/html"


def json_answer(value: Json) -> Response[str]:
    """Answer 200 with JSON, keys sorted."""
    return json_text_answer(to_json(value))


def json_text_answer(text: str) -> Response[str]:
    """Answer 200 with what is JSON already."""
    return Response(200, JSON, text)


def to_json(value: Json) -> str:
    """Return JSON text as Orthanc prints it: keys sorted, three spaces a level."""
    return json.dumps(value, ensure_ascii=False, indent=3, sort_keys=True) + "\n"


def text_answer(text: str, *, headers: dict[str, str | list[str]] | None = None) -> Response[str]:
    """Answer 200 with plain text."""
    return Response(200, TEXT, text, headers=headers)


def page_answer(page: str) -> Response[str]:
    """Answer 200 with a page of HTML."""
    return Response(200, f"{HTML}; charset=utf-8", page)


def empty_answer(status: int = 200, *, headers: dict[str, str | list[str]] | None = None) -> Response[str]:
    """Answer with an empty body: a success without content, or a resource that is not there."""
    return Response(status, TEXT, "", headers=headers)


def dicom_answer(data: bytes, *, file_name: str = "") -> Response[bytes]:
    """Answer 200 with a DICOM file; with a name if it is a download."""
    return Response(200, DICOM, data, headers=_disposition(file_name))


def dicom_elsewhere(url: str, *, file_name: str = "") -> Response[str]:
    """Answer 303 with the address of a DICOM file that is too large for the proxy path."""
    return Response(303, DICOM, "", headers={"Location": url, **_disposition(file_name)})


def json_elsewhere(url: str) -> Response[str]:
    """Answer 303 with the address of JSON that is too large for the proxy path."""
    return Response(303, JSON, "", headers={"Location": url})


def _disposition(file_name: str) -> dict[str, str | list[str]]:
    return {"Content-Disposition": f'filename="{file_name}"'} if file_name else {}
