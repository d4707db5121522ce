"""Routing within a function: Powertools' resolver with Orthanc's conventions, safe for threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from dicomorph.http.access import Access
from dicomorph.http.browsers import BrowserRules, preflight_answer
from dicomorph.http.errors import error_answer, internal_error_answer, unmatched_answer
from dicomorph.http.large_answers import carried
from dicomorph.http.observability import get_logger, log_failure, log_request
from dicomorph.http.reading.requests import Request
from dicomorph.http.responses import HTML
from dicomorph.http.time_left import seconds_of, seconds_waited
from dicomorph.model.errors import DicomorphError
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.model.resources import LEVELS, Level
from dicomorph.services.backend import Backend
from dicomorph.services.store.incoming import check_body_size

_Next = Callable[["OrthancResolver"], Response[Any]]
_Handler = TypeVar("_Handler", bound=Callable[..., Response[Any]])


class _RequestState(threading.local):
    """What one thread knows of the request that it serves."""

    def __init__(self) -> None:
        self.context: dict[str, Any] = {}
        self.event: APIGatewayProxyEvent | None = None
        self.request: Request | None = None
        self.access: Access | None = None
        self.deadline = 0.0
        self.invocation: LambdaContext | None = None


class OrthancResolver(APIGatewayRestResolver):
    """A Powertools resolver that answers errors as Orthanc does and serves several threads at once.

    Powertools keeps the current event in an attribute of a class that all resolvers share, which
    is right on Lambda (one request at a time) and mixes up requests in the embedded server. Here
    each thread has its own.

    Parameters
    ----------
    backend : Callable[[], Backend | None]
        Asked for the settings that shape errors, for those that concern browsers, and for a store
        for large answers.
    """

    def __init__(self, backend: Callable[[], Backend | None]) -> None:
        self._state = _RequestState()
        self._backend = backend
        self._prepared = False
        self._preparing = threading.Lock()
        # Explicitly not: with it, Powertools would print events.
        super().__init__(debug=False)
        self.exception_handler(DicomorphError)(self._answer_error)
        self.exception_handler(Exception)(self._answer_unexpected)
        self.not_found(self._answer_unmatched)

    @property
    def incoming(self) -> Request:
        """The request that is being served."""
        if self._state.request is None:
            raise RuntimeError("No request is being served")
        return self._state.request

    @property
    def access(self) -> Access:
        """What is written down of the request that is being served."""
        if self._state.access is None:
            raise RuntimeError("No request is being served")
        return self._state.access

    @property
    def seconds_left(self) -> float:
        """How long the answer may take, with a reserve for giving it.

        Asked again and again, it tells what has changed: the embedded server knows when a client
        has gone.
        """
        invocation, left = self._state.invocation, self._state.deadline - time.monotonic()
        return left if invocation is None else min(left, seconds_of(invocation))

    @property
    def context(self) -> dict[str, Any]:
        """What Powertools remembers of the request that is being served."""
        return self._state.context

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._state.context = value

    @property
    def current_event(self) -> APIGatewayProxyEvent:  # type: ignore[override]  # as `context`
        """The event that is being served."""
        if self._state.event is None:
            raise RuntimeError("No event is being served")
        return self._state.event

    def on_levels(
        self, method: str, suffix: str = "", *, levels: tuple[Level, ...] = LEVELS
    ) -> Callable[[_Handler], _Handler]:
        """Register a handler for the same route under several levels; `incoming.level` tells which."""

        def register(handler: _Handler) -> _Handler:
            for level in levels:
                self.route(f"/{level.path}{suffix}", method)(handler)
            return handler

        return register

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer a proxy event; every error becomes an answer."""
        self._prepare()
        began = time.perf_counter()
        request = Request(event)
        state = self._state
        state.request, state.context = request, {}
        state.access = Access(self._backend_if_any(), request, event)
        state.invocation = context
        state.deadline = time.monotonic() + seconds_of(context) - seconds_waited(event)
        state.event = APIGatewayProxyEvent({**event, "path": request.path, "httpMethod": request.method})
        try:
            answer = self._build_response(self._respond())
        finally:
            request.close()
            state.request, state.access, state.event = None, None, None
            state.invocation, state.context = None, {}
        log_request(
            route=_route(event),
            method=request.method,
            status=int(answer["statusCode"]),
            milliseconds=round(1000 * (time.perf_counter() - began)),
        )
        return answer

    def _respond(self) -> ResponseBuilder[Any]:
        """Do what is asked if a browser may ask for it, and tell browsers what to do with the answer."""
        request, rules = self.incoming, self._browser_rules()
        try:
            rules.check(request)
            self._check_body(request)
            self.access.begin()
        except DicomorphError as error:
            response = ResponseBuilder[Any](self._answer_error(error))
        else:
            if rules.is_preflight(request):
                response = ResponseBuilder(preflight_answer(request))
            elif request.evades_permissions:
                response = ResponseBuilder(self._answer_unmatched())
            else:
                response = self._resolve()
        response = self._written_down(response)
        is_page = str(response.response.content_type or "").startswith(HTML)
        response.response.headers.update(rules.headers(request, is_page=is_page))
        return response

    def _written_down(self, response: ResponseBuilder[Any]) -> ResponseBuilder[Any]:
        """Return an answer once it is written down, or the error of one that cannot be."""
        status = response.response.status_code
        is_elsewhere = status == HTTPStatus.SEE_OTHER
        try:
            self.access.end(status=status, is_elsewhere=is_elsewhere)
        except DicomorphError as error:
            return ResponseBuilder(self._answer_error(error))
        return response

    def _prepare(self) -> None:
        """Build the chain of calls of each route once: two threads at once would build it twice."""
        if self._prepared:
            return
        get_logger()
        with self._preparing:
            middlewares = [_carrying(self._backend)]
            for route in (*self._static_routes, *self._dynamic_routes):
                if not route._middleware_stack_built:  # noqa: SLF001
                    route._build_middleware_stack(router_middlewares=middlewares, app=self)  # noqa: SLF001
            self._prepared = True

    def _answer_error(self, error: DicomorphError) -> Response[str]:
        if describe_code(error.code)[1] >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._log_failure(error)
        return error_answer(error, self.incoming, describe=self._describes_errors())

    def _answer_unexpected(self, error: Exception) -> Response[str]:
        self._log_failure(error)
        return internal_error_answer(self.incoming, describe=self._describes_errors())

    def _answer_unmatched(self, _error: Exception | None = None) -> Response[str]:
        return unmatched_answer(self.incoming, describe=self._describes_errors())

    def _log_failure(self, error: Exception) -> None:
        log_failure(error, route=_route(self.current_event.raw_event), method=self.incoming.method)

    def _describes_errors(self) -> bool:
        backend = self._backend_if_any()
        return backend is None or backend.settings.http_describe_errors

    def _browser_rules(self) -> BrowserRules:
        backend = self._backend_if_any()
        return (
            BrowserRules()
            if backend is None
            else BrowserRules(backend.hosts, backend.settings.allowed_origins)
        )

    def _check_body(self, request: Request) -> None:
        backend = self._backend_if_any()
        if backend is not None and backend.settings.maximum_body_size:
            check_body_size(backend, request.body_size)

    def _backend_if_any(self) -> Backend | None:
        with contextlib.suppress(Exception):  # a deployment that cannot be built still answers errors
            return self._backend()
        return None


def build_resolver(backend: Callable[[], Backend | None]) -> OrthancResolver:
    """Return a resolver for the routes of one function.

    Parameters
    ----------
    backend : Callable[[], Backend | None]
        `dicomorph.bootstrap.get_backend`; for a function that touches nothing, `chosen_backend`.
    """
    return OrthancResolver(backend)


def _carrying(backend: Callable[[], Backend | None]) -> Callable[[OrthancResolver, _Next], Response[Any]]:
    """Return a middleware that lets answers fit through Lambda.

    No method: Powertools looks at its signature once, and remembers that in an attribute.
    """

    def carry(app: OrthancResolver, handler: _Next) -> Response[Any]:
        given, answer = backend(), handler(app)
        return answer if given is None else carried(given, answer)

    return carry


def _route(event: Mapping[str, Any]) -> str:
    return str(event.get("resource") or "")
