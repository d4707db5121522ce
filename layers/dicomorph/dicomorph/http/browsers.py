"""What a browser may ask of the API: pages of other sites must not read or change what is stored.

A browser sends requests for any page that is open in it, from within the network of its user. It
says so in headers that no page can forge, and that no other client sends: curl, Python and
Orthanc's clients are not concerned by any of these rules.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aws_lambda_powertools.event_handler import Response

from dicomorph.http.reading.requests import Request
from dicomorph.http.responses import empty_answer
from dicomorph.model.errors import ForeignOriginError, MisdirectedRequestError

PAGES: Final = frozenset(("/",))
"""What people look at in a browser; another site may link to it."""

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]]+)(?::([0-9]{1,5}))?")
_ORIGIN: Final = re.compile(rf"(https?)://{_HOST.pattern}")
_PORTS: Final = {"http": "80", "https": "443"}
_ELSEWHERE: Final = frozenset(("cross-site", "same-site"))

_ALWAYS: Final = {
    "Cache-Control": "no-store",  # patients' data belong into no cache
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # addresses hold identifiers
    "X-Content-Type-Options": "nosniff",
}
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_PAGE_POLICY: Final = "default-src 'self'; frame-ancestors 'none'"
_SHOWN: Final = "Content-Disposition, ETag, Location"


@dataclass(frozen=True, slots=True)
class BrowserRules:
    """What an operator allows.

    Parameters
    ----------
    hosts : frozenset[str], optional
        The names, in lower case, by which this server may be called, beside addresses and
        ``localhost``. None: whoever stands in front sees to that, as API Gateway does.
    origins : frozenset[str]
        Of the sites whose pages may use the API, such as ``https://viewer.example.org``.
    """

    hosts: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()

    def check(self, request: Request) -> None:
        """Refuse what a page of another site asks for.

        Raises
        ------
        MisdirectedRequestError
            If the server goes by another name: a page can have its own name lead here (DNS
            rebinding), and counts as the server's own then. Addresses cannot be rebound.
        ForeignOriginError
            If the page is of a site that is not allowed to ask.
        """
        headers = request.headers
        host = headers.get("host", "")
        if self.hosts is not None and host and not self._is_own_name(host):
            raise MisdirectedRequestError("The header Host names another server; see AllowedHosts")
        origin = headers.get("origin", "")
        if origin in self.origins:
            return
        if origin and not _is_same(origin, host):
            raise ForeignOriginError("The header Origin names another site; see AllowedOrigins")
        if headers.get("sec-fetch-site") in _ELSEWHERE and not _is_visit(request):
            raise ForeignOriginError("The request is that of another site's page; see AllowedOrigins")

    def is_preflight(self, request: Request) -> bool:
        """Tell whether a browser asks what an allowed page may send (Fetch standard, CORS)."""
        headers = request.headers
        return (
            request.method == "OPTIONS"
            and headers.get("origin", "") in self.origins
            and "access-control-request-method" in headers
        )

    def headers(self, request: Request, *, is_page: bool) -> dict[str, str]:
        """Return what each answer tells browsers."""
        told = {**_ALWAYS, "Content-Security-Policy": _PAGE_POLICY if is_page else _POLICY}
        origin = request.headers.get("origin", "")
        if self.origins:
            told["Vary"] = "Origin"
        if origin in self.origins:
            told |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _SHOWN}
        return told

    def _is_own_name(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None or self.hosts is None:
            return False
        name = found[1].lower().removesuffix(".")
        return bool(name) and (name in {"localhost", *self.hosts} or _is_address(name.strip("[]")))


def preflight_answer(request: Request) -> Response[str]:
    """Answer a preflight: an allowed page may send whatever it asks for, for ten minutes."""
    asked = request.headers.get("access-control-request-headers", "")
    headers: dict[str, str | list[str]] = {
        "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
        "Access-Control-Allow-Headers": asked,
        "Access-Control-Max-Age": "600",
    }
    return empty_answer(HTTPStatus.NO_CONTENT, headers=headers)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same(origin: str, host: str) -> bool:
    """Tell whether an origin is what the request is addressed to; ``null`` is nobody's."""
    theirs, ours = _ORIGIN.fullmatch(origin), _HOST.fullmatch(host)
    if theirs is None or ours is None:
        return False
    # The scheme is left out: behind a proxy that ends TLS, it is not the one that arrives here.
    port = _PORTS[theirs[1]]
    return (theirs[2].lower(), theirs[3] or port) == (ours[1].lower(), ours[2] or port)


def _is_visit(request: Request) -> bool:
    """Tell whether somebody has followed a link to a page."""
    headers = request.headers
    return (
        request.method == "GET"
        and request.path in PAGES
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
