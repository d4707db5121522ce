"""Addresses as API Gateway hands them over: what the API's own path is, and what stands before it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

_SAFE_IN_PATH = "/%:@!$&'()*+,;=~"  # a REST API hands paths over as they were sent, percent-encoded


def normalize_path(path: str) -> str:
    """Return a path without doubled and trailing slashes, which Orthanc tolerates.

    Examples
    --------
    >>> normalize_path("//studies//")
    '/studies'
    """
    return "/" + "/".join(part for part in path.split("/") if part)


def root_and_path(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return what stands before the API's own path in the address, and that path.

    Behind the gateway's own host name the address begins with the stage, which the path of the
    event lacks. Behind a custom domain both begin with the base path, if there is one: what the
    route accounts for comes last.
    """
    path = str(event.get("path") or "/")
    address = str((event.get("requestContext") or {}).get("path") or path)
    if address != path:
        tail = path.rstrip("/") if path == "/" else path
        before = address.removesuffix(tail) if address.endswith(tail) else ""
        return normalize_path(before).rstrip("/"), path
    base = _base_path(event, path)
    return base, path[len(base) :] or "/"


def _base_path(event: Mapping[str, Any], path: str) -> str:
    """Return what a path has in front of the route that the gateway has found; empty if nothing."""
    resource = str(event.get("resource") or "")
    parts = [part for part in path.split("/") if part]
    if resource.endswith("+}"):
        given = (event.get("pathParameters") or {}).values()
        known = [part for part in next(iter(given), path).split("/") if part]
    else:
        known = [part for part in (resource or path).split("/") if part]
    base = "".join(f"/{part}" for part in parts[: max(len(parts) - len(known), 0)])
    return base if path == base or path.startswith(f"{base}/") else ""


def repaired_address(event: Mapping[str, Any], query: Mapping[str, Sequence[str]]) -> str:
    """Return where a client finds what it asked for with superfluous slashes; empty if it used none.

    Doubled slashes go first, a trailing one only if there is none of them: a signature (AWS
    version 4) covers the path without doubled slashes, so it holds for this address, too.
    """
    path = str(event.get("path") or "/")
    # Seen from outside the path may begin with a stage.
    address = str((event.get("requestContext") or {}).get("path") or path)
    if "//" in path:
        repaired = re.sub("/{2,}", "/", address)
    elif path.endswith("/") and path != "/":
        repaired = address.rstrip("/")
    else:
        return ""
    arguments = urlencode(query, doseq=True)
    return quote(repaired, safe=_SAFE_IN_PATH) + (f"?{arguments}" if arguments else "")
