"""Uploads as clients see them."""

from __future__ import annotations

from datetime import datetime, timedelta

from dicomorph.model.errors import TimeLimitError, UnknownResourceError
from dicomorph.model.metadata_names import metadata_time
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.resources import Json
from dicomorph.model.uploads import Outcome, Upload, UploadState
from dicomorph.services.backend import Backend

# What was begun in time may go on: 5 GB take so long by 11 Mbit/s.
_STILL_SENT = timedelta(hours=1)
_EXPIRED = Outcome(
    error_code=TimeLimitError.code, error_details="No file was sent completely before the upload expired"
)


def view(backend: Backend, upload_id: str) -> dict[str, Json]:
    """Return how far an upload has come.

    ``State`` is Pending, Success with the answer as of ``POST /instances`` as ``Content``, or Failure
    with Orthanc's fields of an error. What comes late all the same is a Success from then on.

    Raises
    ------
    UnknownResourceError
        If there is no such upload, or it was forgotten.
    """
    upload = known_upload(backend, upload_id)
    outcome = upload.outcome or _expiry(backend, upload)
    state = UploadState.PENDING if outcome is None else outcome.state
    shown: dict[str, Json] = {
        "CreationTime": metadata_time(datetime.fromisoformat(upload.created)),
        "Expires": metadata_time(datetime.fromisoformat(upload.expires)),
        "ID": upload.id,
        "Size": upload.announced.size,
        "State": state.value,
    }
    if outcome is not None and state is UploadState.SUCCESS:
        shown["Content"] = outcome.content
    if outcome is not None and state is UploadState.FAILURE:
        shown["ErrorCode"] = outcome.error_code
        shown["ErrorDescription"] = describe_code(outcome.error_code)[0]
        shown["ErrorDetails"] = outcome.error_details
    return shown


def known_upload(backend: Backend, upload_id: str) -> Upload:
    """Return the record of an upload; raise `UnknownResourceError` if there is none any more."""
    upload = backend.uploads.records.get(upload_id)
    if upload is None or datetime.fromisoformat(upload.forgotten) <= backend.now():
        raise UnknownResourceError("There is no such upload")
    return upload


def has_expired(backend: Backend, upload: Upload) -> bool:
    """Tell whether no sending may begin any more."""
    return datetime.fromisoformat(upload.expires) <= backend.now()


def _expiry(backend: Backend, upload: Upload) -> Outcome | None:
    """Tell whether nothing comes any more, where nothing has come of an upload."""
    if backend.now() < datetime.fromisoformat(upload.expires) + _STILL_SENT or backend.uploads.door.holds(
        upload
    ):
        return None
    return known_upload(backend, upload.id).outcome or _EXPIRED  # it may have been taken in meanwhile
