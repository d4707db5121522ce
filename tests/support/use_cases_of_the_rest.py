"""The routes that no other use case calls, each called once."""

from __future__ import annotations

from http import HTTPStatus

from dicomorph.http.route_rows import Row
from dicomorph.http.routes import each_route
from tests.support.job_tasks import submit
from tests.support.recorded_stack import RecordedStack
from tests.support.use_cases import LEVELS, patient

_ADVICE = "call it in tests/support/use_cases.py, in every way that leads to other calls of AWS"


def call_the_rest(cloud: RecordedStack) -> None:
    """Call each of them, with the id of what was just stored or submitted.

    So a route that takes nothing but an id needs no use case of its own. One that does other things
    for other arguments does, and this cannot tell: only that a line is left that nobody has reached.
    """
    for _, route in each_route():
        if (route.method, route.path) not in cloud.called:
            status = cloud.call(route.method, _address(cloud, route)).status
            assert status in (HTTPStatus.OK, HTTPStatus.SEE_OTHER), (
                f"{_name(route)} answers {status}: {_ADVICE}"
            )


def _address(cloud: RecordedStack, route: Row) -> str:
    stored = cloud.upload(patient())
    top = route.path.split("/")[1]
    ids = {level: stored[key] for level, key in LEVELS.items()}
    found = submit(cloud, stored) if top == "jobs" else ids.get(top, "")
    address = route.path.replace("{id}", found)
    assert "{" not in address, f"{_name(route)} has parameters: {_ADVICE}"
    assert not route.body, f"{_name(route)} takes a body: {_ADVICE}"
    return address


def _name(route: Row) -> str:
    return f"{route.method} {route.path}"
