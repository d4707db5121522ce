"""Errors on the wire: the one place that turns an exception into Orthanc's error body (spec 2.1)."""

from __future__ import annotations

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.reading.requests import Request
from dicomorph.http.responses import TEXT, empty_answer, to_json
from dicomorph.http.routes import allowed_methods
from dicomorph.model.errors import DicomorphError, InternalError, UnknownResourceError
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.resources import Json


def error_answer(error: DicomorphError, request: Request, *, describe: bool) -> Response[str]:
    """Answer with the error body and the status of an error.

    Parameters
    ----------
    error : DicomorphError
        Its details, free of attribute values, are shown to the caller, with the job and the
        instance that it is about.
    describe : bool
        The setting ``HttpDescribeErrors``; without it the body is empty.
    """
    message, status = describe_code(error.code)
    status = error.status or status
    headers: dict[str, str | list[str]] = {}
    if error.job_id:
        headers["Location"] = f"{request.root}/jobs/{error.job_id}"
    if not describe:
        return empty_answer(status, headers=headers)
    body: dict[str, Json] = {
        "HttpError": HTTPStatus(status).phrase,
        "HttpStatus": status,
        "Message": message,
        "Method": request.method,
        "OrthancError": message,
        "OrthancStatus": error.code,
        "Uri": request.path,
    }
    if error.details:
        body["Details"] = error.details
    payload: dict[str, Json] = {}
    if error.job_id:
        payload["Job"] = error.job_id
    if error.instance_id:
        payload["FailedInstance"] = error.instance_id
    if payload:
        body["ErrorPayload"] = payload
    return Response(status, TEXT, to_json(body), headers=headers)


def internal_error_answer(request: Request, *, describe: bool) -> Response[str]:
    """Answer 500 without any detail: what an unexpected exception says may hold values."""
    return error_answer(InternalError(), request, describe=describe)


def unmatched_answer(request: Request, *, describe: bool) -> Response[str]:
    """Answer a request that no route takes: 405 on a known path, else 404.

    A known path whose slashes API Gateway did not see through is answered with 308, which keeps
    method and body. A method that was tunnelled to a function without it is a 405 as well: to
    carry it out elsewhere would go past the permissions of the caller, which name methods.
    """
    if request.method == "HEAD":
        return empty_answer(HTTPStatus.NOT_FOUND)
    methods = allowed_methods(request.path)
    if request.method in methods and request.repaired_address:
        return empty_answer(HTTPStatus.PERMANENT_REDIRECT, headers={"Location": request.repaired_address})
    if methods:
        return empty_answer(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ",".join(methods)})
    return error_answer(UnknownResourceError(), request, describe=describe)
