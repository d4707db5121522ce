"""The exceptions of the project, each with the Orthanc error code it is reported as.

::

    DicomorphError
    ├── BadRequestError            8   the request contradicts itself or a safety rule
    │   ├── ParameterOutOfRangeError   3
    │   ├── BadParameterTypeError      5
    │   ├── BadFileFormatError        15   not JSON, not DICOM, a value that cannot be cast
    │   ├── RefusedError               8   an instance that no rule for attributes makes safe
    │   ├── ForeignOriginError         8   403 on the wire: another site's page asks
    │   ├── MisdirectedRequestError    8   421 on the wire: the server is called by another's name
    │   └── TooLargeBodyError          8   413 on the wire
    ├── UnknownDicomTagError      27   a tag name that no dictionary knows
    ├── UnknownResourceError      17
    ├── InexistentItemError        7
    ├── InexistentTagError        21   an identifier that an upload must have
    ├── NotImplementedYetError     2
    │   └── TranscodingError           2   pixel data that a transfer syntax or a codec does not take
    ├── RevisionMismatchError     43
    ├── CanceledJobError          37
    ├── JobEndsError               6   409 on the wire: too late to stop the job
    ├── CannotStoreInstanceError 2018
    ├── TimeLimitError            16   a synchronous call outlived the gateway
    ├── StorageFullError          19   507 on the wire
    ├── CorruptedFileError        20   a stored file is not what was stored
    │   └── MissingFileError          13   500 on the wire: there is the instance, but not its file
    ├── InternalError             -1
    │   ├── DataFolderGoneError   -1   the folder was moved, deleted or unmounted under the server
    │   ├── MisconfiguredError    -1   the operator's settings mean nothing
    │   └── StaleEpochError       -1   a process of an earlier run still tried to write
    ├── ConflictError             42   a conditional write lost; the use case decides what follows
    └── TransientError            36   throttling or an outage: the same call may succeed later

The message of an exception is for the caller: it names tags, positions and fields, never
the value of an attribute.
"""

from __future__ import annotations

from typing import ClassVar

from dicomorph.model.reasons import WHY_REFUSED, Reason


class DicomorphError(Exception):
    """Base of all errors that the project raises on purpose.

    Parameters
    ----------
    details : str
        What was wrong, in words for the caller; free of attribute values.
    job_id : str
        Of the job that failed, or goes on.
    instance_id : str
        The Orthanc id of the instance that a job failed for: the caller is told, but it is no
        part of the message, which may end in a log.
    """

    code: ClassVar[int] = -1
    status: ClassVar[int] = 0
    """The HTTP status where it is not that of the code."""

    def __init__(self, details: str = "", *, job_id: str = "", instance_id: str = "") -> None:
        super().__init__(details)
        self.details = details
        self.job_id = job_id
        self.instance_id = instance_id


class BadRequestError(DicomorphError):
    """The request contradicts itself or a safety rule."""

    code = 8


class ParameterOutOfRangeError(BadRequestError):
    """A parameter has the right type and an impossible value."""

    code = 3


class BadParameterTypeError(BadRequestError):
    """A value inside ``Replace`` has a JSON type that its tag cannot take."""

    code = 5


class BadFileFormatError(BadRequestError):
    """The input is not what it claims to be: JSON, DICOM, or a value of its VR."""

    code = 15


class RefusedError(BadRequestError):
    """An instance is not handed out, since its pixels show who the patient is, or may do so.

    Parameters
    ----------
    reason : Reason
        What is said about it.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"{reason}: {WHY_REFUSED[reason]}")
        self.reason = reason


class ForeignOriginError(BadRequestError):
    """A browser asks for a page of a site that is not allowed to."""

    status = 403


class MisdirectedRequestError(BadRequestError):
    """The request is addressed to a server of another name (RFC 9110, 15.5.20)."""

    status = 421


class TooLargeBodyError(BadRequestError):
    """The body of a request is larger than the operator allows (RFC 9110, 15.5.14)."""

    status = 413


class UnknownDicomTagError(DicomorphError):
    """A tag name that no dictionary knows."""

    code = 27


class UnknownResourceError(DicomorphError):
    """No resource has this identifier."""

    code = 17


class InexistentItemError(DicomorphError):
    """No job, metadata or other item has this name."""

    code = 7


class InexistentTagError(DicomorphError):
    """A data set lacks an identifier that it must have to be stored."""

    code = 21


class NotImplementedYetError(DicomorphError):
    """Orthanc's code for what a server cannot do."""

    code = 2


class TranscodingError(NotImplementedYetError):
    """Pixel data cannot be decoded, or not be encoded in this transfer syntax; the reason has no values."""


class RevisionMismatchError(DicomorphError):
    """``If-Match`` does not name the current revision."""

    code = 43


class CanceledJobError(DicomorphError):
    """The job was cancelled while a synchronous call waited for it."""

    code = 37


class JobEndsError(DicomorphError):
    """A job is neither paused nor cancelled, for it comes to its end, or has just ended."""

    code = 6


class CannotStoreInstanceError(DicomorphError):
    """A product of a job could not be stored."""

    code = 2018


class TimeLimitError(DicomorphError):
    """A synchronous call outlived the gateway; its job goes on."""

    code = 16


class StorageFullError(DicomorphError):
    """No space is left for another object."""

    code = 19


class CorruptedFileError(DicomorphError):
    """A stored file has another size or other bytes than when it was stored."""

    code = 20


class MissingFileError(CorruptedFileError):
    """The index has an instance whose file is gone: the client asked for the right thing."""

    code = 13


class InternalError(DicomorphError):
    """Something that should not happen did."""

    code = -1


class DataFolderGoneError(InternalError):
    """The data folder is not where it was, or another one is: what is written would be lost."""

    def __init__(self) -> None:
        super().__init__("The data folder is gone, or another one is in its place")


class MisconfiguredError(InternalError):
    """The deployment was given settings that mean nothing; the log tells the operator what is wrong."""


class StaleEpochError(InternalError):
    """A newer run of the server has begun; this process must write no more."""


class ConflictError(DicomorphError):
    """A conditional write lost against another writer."""

    code = 42


class TransientError(DicomorphError):
    """Throttling or an outage: the same call may succeed later."""

    code = 36
