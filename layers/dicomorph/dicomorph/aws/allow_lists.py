"""Allow lists as objects of the stack's bucket, below a prefix that the operator names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from dicomorph.aws.objects.errors import translated
from dicomorph.deid.editions.allow_list import AllowList
from dicomorph.deid.editions.allow_list_file import (
    LARGEST_LIST,
    check_name,
    read_allow_list,
    shipped_allow_list,
)
from dicomorph.model.errors import BadFileFormatError, MisconfiguredError, UnknownResourceError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_logger = logging.getLogger(__name__)


class S3AllowLists:
    """Reads a list from its object whenever a request names it; those that are shipped need none.

    Parameters
    ----------
    s3 : Callable[[], S3Client]
        Makes a client, which few requests need.
    prefix : str
        Of ``<prefix>/<name>.json``, without the last slash; empty if there are but those that are shipped.
    """

    def __init__(self, s3: Callable[[], S3Client], bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def __call__(self, name: str) -> AllowList:
        """Return a list.

        Raises
        ------
        BadRequestError
            If there is none of this name.
        MisconfiguredError
            If its object is no list; the log says why.
        TransientError
            If S3 is away.
        """
        key = f"{self._prefix}/{check_name(name)}.json"
        if not self._prefix:
            return shipped_allow_list(name)
        try:
            with translated():
                found = self._s3().get_object(Bucket=self._bucket, Key=key)
                document = found["Body"].read(LARGEST_LIST + 1)
            return read_allow_list(name, document)
        except UnknownResourceError:
            return shipped_allow_list(name)
        except BadFileFormatError as error:
            _logger.error("Setting AllowLists: %s: %s", key, error.details)  # noqa: TRY400 - as settings are
            raise MisconfiguredError("The allow list cannot be used; the function's log says why") from error
