"""What the web server beneath may log: no address that was asked for, and no message of an exception.

Both name resources, and Orthanc's identifiers are unkeyed digests of a PatientID.
"""

from __future__ import annotations

import logging

from dicomorph.model.failures import causes

_DISCONNECTED = "Client disconnected while serving "


def keep_discretion() -> None:
    """Let waitress log types and places of exceptions, in place of tracebacks."""
    logger = logging.getLogger("waitress")
    if not any(isinstance(found, _Discretion) for found in logger.filters):
        logger.addFilter(_Discretion())


class _Discretion(logging.Filter):
    """Takes from a record what may name a resource."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.msg, record.args = "An answer failed: %s", (", ".join(causes(error)),)
            record.exc_info = record.exc_text = None
        elif str(record.msg).startswith(_DISCONNECTED):
            record.msg, record.args = "A client disconnected while it was served", ()
        return True
