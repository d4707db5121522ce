"""Ports in which something happens at a moment of a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.support.index_roles import around
from tests.workflows.embedded import Server

Event = Callable[[], object]


class _Meddled:
    """A port with one method of which calls are watched."""

    def __init__(self, port: object, method: str, before: Callable[..., object]) -> None:
        self._port = port
        self._method = method
        self._before = before

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._method:
            return found

        def call(*args: Any, **options: Any) -> Any:
            self._before(*args)
            return found(*args, **options)

        return call


def before_each(port: object, method: str, event: Event) -> Any:
    """Return a port in which something happens before each call of a method."""
    return around(port, lambda role: _Meddled(role, method, lambda *_: event()))


def before_nth(
    port: object, method: str, nth: int, event: Event, *, counts: Callable[..., bool] = lambda *_: True
) -> Any:
    """Return a port in which something happens before the nth call of a method among those that count."""
    left = nth

    def before(*args: Any) -> None:
        nonlocal left
        if counts(*args):
            left -= 1
            if left == 0:
                event()

    return around(port, lambda role: _Meddled(role, method, before))


def meddled(server: Server, nth: int, event: Event) -> Server:
    """Return a server in whose store something happens before the nth product is written."""
    objects = before_nth(
        server.backend.objects, "put", nth, event, counts=lambda key, _: key.startswith("instances/")
    )
    return Server(replace(server.backend, objects=objects))


def failing(error: BaseException) -> Event:
    """Return an event that is an error."""

    def fail() -> None:
        raise error

    return fail
