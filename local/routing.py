"""Finding the route of a request, as API Gateway does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from local.template import Route


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request, with what its path says of the parameters."""

    route: Route
    parameters: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    methods: dict[str, Route] = field(default_factory=dict)


class Router:
    """Matches paths segment by segment: a literal one wins over a parameter.

    Parameters
    ----------
    routes : Iterable[Route]
        One of them is ``ANY /{proxy+}``, which takes whatever nothing else does.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self._parameter_names: dict[str, list[str]] = {}
        for route in routes:
            node = self._root
            for segment in route.resource.strip("/").split("/"):
                key = "{}" if segment.startswith("{") and not segment.endswith("+}") else segment
                node = node.children.setdefault(key, _Node())
            node.methods[route.method] = route
            self._parameter_names[route.resource] = re.findall(r"\{(\w+)\}", route.resource)
        self._fallback = self._root.children["{proxy+}"].methods["ANY"]

    def match(self, method: str, path: str) -> Match:
        """Return the route of a normalized path.

        A method that a known path lacks leads to its ``ANY``.
        """
        found = self._find(path)
        if found is not None:
            node, values = found
            route = node.methods.get(method) or node.methods.get("ANY")
            if route is not None:
                names = self._parameter_names[route.resource]
                return Match(route, dict(zip(names, values, strict=True)))
        return Match(self._fallback, {"proxy": path.lstrip("/")})

    def _find(self, path: str) -> tuple[_Node, list[str]] | None:
        node, values = self._root, list[str]()
        for segment in path.strip("/").split("/"):
            literal = node.children.get(segment)
            if literal is None:
                parameter = node.children.get("{}")
                if parameter is None:
                    return None
                values.append(segment)
                node = parameter
            else:
                node = literal
        return node, values
