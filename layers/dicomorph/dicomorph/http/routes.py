"""Every route with the function that serves it: what ``Allow`` lists, what template.yaml is held to."""

from __future__ import annotations

from collections.abc import Mapping

_LEVEL_PATHS = ("patients", "studies", "series", "instances")
_CHILDREN = {
    "patients": ("studies", "series", "instances"),
    "studies": ("series", "instances"),
    "series": ("instances",),
    "instances": (),
}
_PARENTS = {
    "patients": (),
    "studies": ("patient",),
    "series": ("study", "patient"),
    "instances": ("series", "study", "patient"),
}


def _level_routes(level: str) -> dict[str, dict[str, str]]:
    kind = "instance" if level == "instances" else "resources"
    routes = {
        f"/{level}": {"GET": "browse"},
        f"/{level}/{{id}}": {"GET": "browse", "DELETE": "instances"},
        f"/{level}/{{id}}/anonymize": {"POST": f"anonymize_{kind}"},
        f"/{level}/{{id}}/modify": {"POST": f"modify_{kind}"},
        f"/{level}/{{id}}/metadata": {"GET": "browse"},
        f"/{level}/{{id}}/metadata/{{name}}": {
            "GET": "browse",
            "PUT": "annotations",
            "DELETE": "annotations",
        },
        f"/{level}/{{id}}/labels": {"GET": "browse"},
        f"/{level}/{{id}}/labels/{{label}}": {"GET": "browse", "PUT": "annotations", "DELETE": "annotations"},
    }
    for relative in (*_CHILDREN[level], *_PARENTS[level]):
        routes[f"/{level}/{{id}}/{relative}"] = {"GET": "browse"}
    return routes


def _routes() -> dict[str, dict[str, str]]:
    routes: dict[str, dict[str, str]] = {}
    for level in _LEVEL_PATHS:
        routes |= _level_routes(level)
    routes["/instances"]["POST"] = "instances"
    return routes | {
        "/instances/{id}/file": {"GET": "browse"},
        "/instances/{id}/tags": {"GET": "browse"},
        "/instances/{id}/simplified-tags": {"GET": "browse"},
        "/studies/{id}/split": {"POST": "split_study"},
        "/studies/{id}/merge": {"POST": "merge_study"},
        "/jobs": {"GET": "jobs"},
        "/jobs/{id}": {"GET": "jobs", "DELETE": "jobs"},
        **{
            f"/jobs/{{id}}/{action}": {"POST": "jobs"} for action in ("cancel", "pause", "resume", "resubmit")
        },
        "/jobs/{id}/{key}": {"GET": "jobs", "DELETE": "jobs"},
        "/statistics": {"GET": "system"},
        "/system": {"GET": "system"},
        "/tools/bulk-anonymize": {"POST": "anonymize_resources"},
        "/tools/bulk-content": {"POST": "browse"},
        "/tools/bulk-delete": {"POST": "instances"},
        "/tools/bulk-modify": {"POST": "modify_resources"},
        "/tools/default-encoding": {"GET": "system", "PUT": "system"},
    }


ROUTES: Mapping[str, Mapping[str, str]] = _routes()
"""Path, with parameters in braces, to method, to the name of the folder in ``functions/``."""


def allowed_methods(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes, in alphabetical order; none if there is no such path.

    Parameters
    ----------
    path : str
        As requested, without query and without trailing slash.
    """
    asked = path.split("/")
    for route, methods in ROUTES.items():
        parts = route.split("/")
        if len(parts) == len(asked) and all(
            part == given or (part.startswith("{") and given)
            for part, given in zip(parts, asked, strict=True)
        ):
            return tuple(sorted(methods))
    return ()
