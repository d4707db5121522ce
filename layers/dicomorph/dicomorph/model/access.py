"""Who did what: events of the access trail, and the setting that asks for it.

These are the only lines that name resources: a trail without identifiers answers nothing.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

NAMED_AT_ONCE = 1_000
"""Resources of a line: of CloudWatch's 256 KB for an event, they take 50."""

MOST_NAMED = 100_000
"""Resources that one request's lines name; their number is told in any case."""


class OnFailure(enum.Enum):
    """What becomes of a request of which no line can be written."""

    FAIL = "Fail"
    CONTINUE = "Continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTrailSetting:
    """The setting ``AccessTrail``.

    Parameters
    ----------
    on_failure : OnFailure
        What becomes of a request whose line cannot be written.
    folder : str
        Where the files lie; absolute. Empty on AWS, where a log group of the stack holds the trail.
    maximum_size : int
        MB of a file, after which there is another one.
    maximum_files : int
        How many full files are kept; 0 keeps all.
    sync : bool
        Whether a line is on the disk before there is an answer.
    """

    on_failure: OnFailure = OnFailure.FAIL
    folder: str = ""
    maximum_size: int = 100
    maximum_files: int = 0
    sync: bool = True


def read_access_trail(value: Any) -> AccessTrailSetting:
    """Return the setting from its JSON.

    Raises
    ------
    TypeError, ValueError, LookupError
        If it means nothing.
    """
    values: dict[str, Any] = {}
    for name, found in value.items():
        attribute, kind = _FIELDS[name]
        if type(found) is not kind:
            message = f"{name} has another type"
            raise TypeError(message)
        values[attribute] = OnFailure(found) if attribute == "on_failure" else found
    setting = AccessTrailSetting(**values)
    if setting.folder and not PurePath(setting.folder).is_absolute():
        message = "Folder must be absolute"
        raise ValueError(message)
    if setting.maximum_size < 1 or setting.maximum_files < 0:
        message = "MaximumSize is at least 1, MaximumFiles at least 0"
        raise ValueError(message)
    return setting


_FIELDS: Mapping[str, tuple[str, type]] = {
    "OnFailure": ("on_failure", str),
    "Folder": ("folder", str),
    "MaximumSize": ("maximum_size", int),
    "MaximumFiles": ("maximum_files", int),
    "Sync": ("sync", bool),
}


class Moment(enum.Enum):
    """When an event was written."""

    ASKED = "Asked"
    """Before anything is changed: what may change something has such an event as well."""

    ANSWERED = "Answered"
    """Before the answer is given: no data leave without it."""

    TAKEN = "Taken"
    """Of a file that arrived by itself: when all that becomes of it is safe, before it goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """What one request did, or is about to do; or what became of a file that arrived by itself.

    Parameters
    ----------
    moment : Moment
        When this was written.
    time : str
        UTC, ISO 8601, with milliseconds.
    request : str
        The same for all events of a request; of an arrival, the token of its version.
    caller : Mapping[str, str]
        What is known of who asked: ``Principal``, ``AccessKey``, ``Address``; of an arrival, by way of
        what it came (``Source``): nobody knows who brought it.
    method, route : str
        The route's template, such as ``/studies/{id}``; empty for an arrival.
    resources : Sequence[str]
        The Orthanc ids that path and body name, or that an upload has made.
    count : int
        How many resources are named; more than `resources` where some are none that could exist.
    job : str
        The job that was made or that the path names.
    upload : str
        The upload that was offered, that the path names or that the file was sent for; never the
        secret of its address.
    status : int
        Of the answer; 0 before there is one.
    outcome : str
        What became of an arrival: ``Stored``, ``Produced`` or ``Rejected``.
    is_elsewhere : bool
        Whether the answer is a link to the data, which is good for some time.
    """

    moment: Moment
    time: str
    request: str
    caller: Mapping[str, str]
    method: str = ""
    route: str = ""
    resources: Sequence[str] = ()
    count: int = 0
    job: str = ""
    upload: str = ""
    status: int = 0
    outcome: str = ""
    is_elsewhere: bool = field(default=False)

    def lines(self) -> Iterator[str]:
        """Yield the JSON of the event: in several lines, if it names many resources."""
        named = self.resources[:MOST_NAMED]
        for start in range(0, len(named) or 1, NAMED_AT_ONCE):
            line: dict[str, object] = {
                "Time": self.time,
                "Event": self.moment.value,
                "Request": self.request,
                **self.caller,
            }
            if self.route:
                line |= {"Method": self.method, "Route": self.route}
            if self.outcome:
                line["Outcome"] = self.outcome
            if self.count:
                line["Resources"] = named[start : start + NAMED_AT_ONCE]
                line["ResourcesCount"] = self.count
            if self.job:
                line["Job"] = self.job
            if self.upload:
                line["Upload"] = self.upload
            if self.moment is Moment.ANSWERED:
                line["Status"] = self.status
            if self.is_elsewhere:
                line["Link"] = True
            yield json.dumps(line, separators=(",", ":"))
