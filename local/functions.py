"""The functions of the template, called in this process as Lambda calls them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

Handler = Callable[[dict[str, Any], "Context"], dict[str, Any]]
_YEAR = 365 * 24 * 3600.0


def _for_ever() -> float:
    return _YEAR


class Context:
    """What handlers ask Lambda about their invocation.

    Parameters
    ----------
    seconds_left : Callable[[], float]
        How long the answer is waited for. There is no limit here, so it is a year, until the
        client goes away or the server ends: then it is nothing.
    """

    def __init__(self, seconds_left: Callable[[], float] = _for_ever) -> None:
        self._seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation would be ended."""
        return int(1000 * self._seconds_left())


class Functions:
    """The handlers of some function folders, imported at once.

    Parameters
    ----------
    root : Path
        The folder of the template.
    folders : Iterable[str]
        Relative to it, such as ``functions/browse``; each holds an ``app.py``.
    others : Mapping[str, Handler]
        Handlers of this server alone, by names that are no folders.
    """

    def __init__(
        self, root: Path, folders: Iterable[str], others: Mapping[str, Handler] = MappingProxyType({})
    ) -> None:
        self._handlers: dict[str, Handler] = {
            folder: load_module(root / folder / "app.py").lambda_handler for folder in sorted(set(folders))
        }
        self._handlers |= others

    def call(
        self, folder: str, event: dict[str, Any], *, seconds_left: Callable[[], float] = _for_ever
    ) -> dict[str, Any]:
        """Return the answer of a function to an event."""
        return self._handlers[folder](event, Context(seconds_left))


def load_module(path: Path) -> Any:
    """Import the ``app.py`` of a function.

    All of them are called `app` on Lambda; here they live side by side under names of their own.
    """
    spec = importlib.util.spec_from_file_location(f"functions.{path.parent.name}.app", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
