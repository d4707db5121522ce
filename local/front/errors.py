"""Errors of HTTP itself, answered in Orthanc's form like all others."""

from __future__ import annotations

from dicomorph.model.errors import (
    BadFileFormatError,
    BadRequestError,
    ParameterOutOfRangeError,
    TransientError,
)


class MalformedRequestError(BadFileFormatError):
    """What a client sends is not HTTP/1."""


class HeadTooLargeError(BadRequestError):
    """A head is longer, or has more fields, than any client sends (RFC 6585 5)."""

    status = 431


class RequestTimeoutError(BadRequestError):
    """A body has stopped coming (RFC 9110 15.5.9)."""

    status = 408


class UnsatisfiableRangeError(ParameterOutOfRangeError):
    """A range begins behind the end of its file (RFC 9110 15.5.17).

    Parameters
    ----------
    size : int
        Bytes of the file.
    """

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__("The range begins behind the end of the file")
        self.size = size


class ServerBusyError(TransientError):
    """More calls are under way than are taken at once."""
