"""How long the credentials of this process live: what they sign is void afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
from botocore.credentials import RefreshableCredentials


def session_end() -> datetime | None:
    """Return when the credentials end, renewed if they are about to; None if they do not tell.

    Those of a function on Lambda come by its environment, without a time.
    """
    credentials = boto3.DEFAULT_SESSION and boto3.DEFAULT_SESSION.get_credentials()
    if not isinstance(credentials, RefreshableCredentials):
        return None
    credentials.get_frozen_credentials()
    end: datetime | None = getattr(credentials, "_expiry_time", None)  # botocore tells it in no other way
    return None if end is None else end.astimezone(UTC)
