"""Log lines without anything that identifies a person.

What is logged: the route's template, the status, the duration; of an unexpected exception
its type and place. What is not: paths, arguments, bodies, messages of exceptions. Orthanc's
identifiers are unkeyed digests of a PatientID and count as identifiers.
"""

from __future__ import annotations

import functools
import logging

from aws_lambda_powertools import Logger

from dicomorph.model.errors import DicomorphError
from dicomorph.model.failures import causes


@functools.cache
def get_logger() -> Logger:
    """Return the logger of the API, created at the first use.

    Powertools' own logger is kept above DEBUG, where it would write paths and arguments.
    """
    logging.getLogger("aws_lambda_powertools").setLevel(logging.WARNING)
    return Logger(service="dicomorph", child=False)


def log_request(*, route: str, method: str, status: int, milliseconds: int) -> None:
    """Log that a request was answered.

    Parameters
    ----------
    route : str
        The route's template, such as ``/studies/{id}``, never the path.
    """
    get_logger().info(
        "Answered", extra={"route": route, "method": method, "status": status, "milliseconds": milliseconds}
    )


def log_trail_failure(error: DicomorphError, *, route: str, method: str) -> None:
    """Log that nothing could be written to the access trail: what was to stand there is not logged."""
    get_logger().error(
        "Access not recorded", extra={"route": route, "method": method, "reason": error.details}
    )


def log_failure(error: BaseException | None, *, route: str, method: str) -> None:
    """Log an exception that is the server's fault: its type and place, and those of its causes."""
    get_logger().error("Failed", extra={"route": route, "method": method, "causes": causes(error)})
