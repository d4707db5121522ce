"""Writing down who did what, around the handling of one request."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from dicomorph.http.observability import log_trail_failure
from dicomorph.http.reading.requests import Request
from dicomorph.http.route_rows import Permission, Row
from dicomorph.http.routes import RECEIVING, each_route
from dicomorph.model.access import AccessEvent, Moment
from dicomorph.model.errors import DicomorphError
from dicomorph.model.identifiers import is_orthanc_id
from dicomorph.model.object_keys import TOKEN_BYTES
from dicomorph.model.resources import Json
from dicomorph.services.backend import Backend
from dicomorph.services.trail import write_down

_NAMING = frozenset(("BulkAnonymization", "BulkContent", "BulkDelete", "BulkModification", "Merge", "Split"))
"""The bodies that name resources."""

_NAMED_BY = ("Resources", "Series", "Instances")
_JOBS = "/jobs/"
_UPLOADS = "/uploads/"
_UPLOAD_ID = re.compile(f"[0-9a-f]{{{2 * TOKEN_BYTES}}}")
_JOB_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Access:
    """The events of one request.

    What the handler finds out, it notes: the job that it has submitted, the upload that it has
    offered, what an upload has become.

    Parameters
    ----------
    backend : Backend, optional
        Whose trail they go to; without one, or without a trail, nothing is written.
    """

    def __init__(self, backend: Backend | None, request: Request, event: Mapping[str, Any]) -> None:
        self._backend = backend
        self._request = request
        self._event = event
        self._row = _rows().get((request.method, str(event.get("resource") or "")))
        self.job = self.upload = ""
        self.made: Sequence[str] = ()

    def begin(self) -> None:
        """Write down what is about to be done, if it may change anything.

        Raises
        ------
        DicomorphError
            If that cannot be written, and is to be.
        """
        if self._row is not None and self._row.permission is not Permission.READ:
            self._write(Moment.ASKED)

    def end(self, *, status: int, is_elsewhere: bool) -> None:
        """Write down what was answered, before it is; errors as in `begin`."""
        self._write(Moment.ANSWERED, status=status, is_elsewhere=is_elsewhere)

    def _write(self, moment: Moment, *, status: int = 0, is_elsewhere: bool = False) -> None:
        backend = self._backend
        if backend is None or backend.trail is None:
            return
        named = [*self._named, *self.made]
        event = AccessEvent(
            moment=moment,
            time=backend.now().isoformat(timespec="milliseconds"),
            request=str((self._event.get("requestContext") or {}).get("requestId") or ""),
            caller=self._request.caller,
            method=self._request.method,
            route=str(self._event.get("resource") or ""),
            resources=[one for one in named if is_orthanc_id(one)],
            count=len(named),
            job=self.job or self._named_in_path(_JOBS, _JOB_ID),
            upload=self.upload or self._named_in_path(_UPLOADS, _UPLOAD_ID),
            status=status,
            is_elsewhere=is_elsewhere,
        )
        log = partial(log_trail_failure, route=event.route, method=event.method)
        write_down(backend, event.lines(), on_failure=log)

    @functools.cached_property
    def _named(self) -> list[str]:
        """What path and body name, whether it exists or not; of a body, once for all events."""
        row = self._row
        if row is None:
            return []
        names_resource = "{id}" in row.path and not row.path.startswith((_JOBS, _UPLOADS))
        named = [self._request.segment(1)] if names_resource else []
        if row.body in _NAMING:
            with suppress(DicomorphError):  # its handler says what is wrong with it
                body = self._request.json_object()
                named += [_id_of(one) for name in _NAMED_BY for one in _list(body.get(name))]
        return named

    def _named_in_path(self, below: str, form: re.Pattern[str]) -> str:
        if self._row is None or not self._row.path.startswith(below):
            return ""
        found = self._request.segment(1)
        return found if form.fullmatch(found) else ""


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


def _id_of(item: Json) -> str:
    found = item.get("ID") if isinstance(item, dict) else item
    return found if isinstance(found, str) else ""


@functools.cache
def _rows() -> Mapping[tuple[str, str], Row]:
    rows = (*(route for _, route in each_route()), RECEIVING)
    return {(route.method, route.path): route for route in rows}
