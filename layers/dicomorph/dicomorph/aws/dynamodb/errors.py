"""What DynamoDB's errors mean here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from dicomorph.aws.dynamodb.keys import Item
from dicomorph.model.errors import (
    ConflictError,
    DicomorphError,
    InternalError,
    ParameterOutOfRangeError,
    TransientError,
)


class ConditionLostError(ConflictError):
    """The condition of a write did not hold.

    Parameters
    ----------
    found : Item | None
        What lay under the key instead, None if nothing did or it is not known.
    """

    def __init__(self, found: Item | None = None) -> None:
        super().__init__("Somebody else changed the resource")
        self.found = found


class ContendedError(TransientError):
    """A transaction is under way on the item; the same call may be repeated at once."""


_AWAY = "The index is throttled or out of reach"
_ERRORS: dict[str, type[DicomorphError]] = {
    "ProvisionedThroughputExceededException": TransientError,
    "ProvisionedThroughputExceeded": TransientError,
    "RequestLimitExceeded": TransientError,
    "ThrottlingException": TransientError,
    "ThrottlingError": TransientError,
    "LimitExceededException": TransientError,
    "InternalServerError": TransientError,
    "ServiceUnavailable": TransientError,
    "RequestTimeout": TransientError,
    "RequestTimeoutException": TransientError,
    "TransactionInProgressException": TransientError,
    "TransactionConflictException": ContendedError,
    "TransactionConflict": ConflictError,
    "ConditionalCheckFailed": ConflictError,
    "ConditionalCheckFailedException": ConflictError,
    # Requests are built from tables of this package: what varies in them is how large values are.
    "ValidationException": ParameterOutOfRangeError,
    "ValidationError": ParameterOutOfRangeError,
    "ItemCollectionSizeLimitExceeded": ParameterOutOfRangeError,
}
_SERVER_FAULT = 500


@contextmanager
def translated() -> Iterator[None]:
    """Turn botocore's exceptions into ours.

    Raises
    ------
    ConditionLostError
        If a condition did not hold, or a transaction met another one.
    TransientError
        For throttling, faults of the service and of the network.
    ParameterOutOfRangeError
        If an item would exceed 400 KB.
    InternalError
        For everything else: access denied, no such table.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning(error) from error
    except ParamValidationError:
        # Not chained: its message quotes the values.
        raise InternalError("The index was asked for something impossible") from None
    except BotoCoreError as error:
        raise TransientError(_AWAY) from error


def _meaning(error: ClientError) -> DicomorphError:
    response: dict[str, Any] = dict(error.response)
    reasons = [reason.get("Code", "None") for reason in response.get("CancellationReasons", ())]
    codes = [code for code in reasons if code != "None"] or [response["Error"]["Code"]]
    kinds = {_ERRORS.get(code, InternalError) for code in codes}
    if kinds == {ConflictError}:
        return ConditionLostError(response.get("Item"))
    if kinds == {ContendedError}:
        return ContendedError(_AWAY)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if TransientError in kinds or status >= _SERVER_FAULT:
        return TransientError(_AWAY)
    if ParameterOutOfRangeError in kinds:
        return ParameterOutOfRangeError("The index cannot hold values this large")
    return InternalError("The index refused a request")
