"""What S3's errors mean here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from dicomorph.model.errors import (
    CorruptedFileError,
    DicomorphError,
    InternalError,
    TransientError,
    UnknownResourceError,
)

_SERVER_FAULT = 500
_ERRORS: dict[str, type[DicomorphError]] = {
    "404": UnknownResourceError,
    "405": UnknownResourceError,  # the same as MethodNotAllowed, where an answer has no body
    "BadDigest": TransientError,  # what arrived is not what was sent
    "InvalidRange": CorruptedFileError,  # the object is shorter than it was
    "MethodNotAllowed": UnknownResourceError,  # the version is a delete marker
    "NoSuchKey": UnknownResourceError,
    "NoSuchUpload": UnknownResourceError,
    "NoSuchVersion": UnknownResourceError,
    "OperationAborted": TransientError,
    "PreconditionFailed": TransientError,  # the object is not any more what it was
    "RequestLimitExceeded": TransientError,
    "RequestTimeout": TransientError,
    "SlowDown": TransientError,
    "Throttling": TransientError,
    "ThrottlingException": TransientError,
    "TooManyRequests": TransientError,
}
_INTERRUPTED = (BotoConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError)


@contextmanager
def translated() -> Iterator[None]:
    """Turn botocore's exceptions into ours.

    Raises
    ------
    UnknownResourceError
        If there is no such object or version.
    CorruptedFileError
        If the object is shorter than what was asked for.
    TransientError
        For throttling, faults of the service and of the network.
    InternalError
        For everything else: access denied, no such bucket, no credentials.
    """
    try:
        yield
    except ClientError as error:
        response = error.response
        code = response.get("Error", {}).get("Code", "")
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise error_of(code, status) from error
    except _INTERRUPTED as error:
        raise TransientError("The object store is out of reach") from error
    except BotoCoreError as error:
        raise InternalError(f"The object store was not asked: {type(error).__name__}") from error


def error_of(code: str, status: int = 0) -> DicomorphError:
    """Return the error that a code of S3 and the status of its answer stand for."""
    fallback = TransientError if status >= _SERVER_FAULT else InternalError
    return _ERRORS.get(code, fallback)(f"Object store: {code}")


def error_of_deletion(code: str) -> DicomorphError:
    """Return the error that a code stands for which an answer to many deletions has for one of them."""
    return error_of(code, _SERVER_FAULT if code in ("InternalError", "ServiceUnavailable") else 0)
