"""Putting the embedded server together, in the order that makes a crash harmless."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
from collections.abc import Iterator

from dicomorph import bootstrap
from dicomorph.model.settings import Settings
from local.application import Application
from local.arguments import Arguments
from local.data_folder import DataFolder, lock_data_folder
from local.functions import Functions
from local.greeting import greeting, warning
from local.routing import Router
from local.server import bind, serve
from local.settings_file import read_settings
from local.template import TEMPLATE, read_routes, read_template


def run(arguments: Arguments) -> None:
    """Serve until a signal ends it."""
    settings = read_settings(arguments.settings)
    with contextlib.ExitStack() as stack:
        folder = lock_data_folder(arguments.data)
        stack.callback(folder.release)
        listener = stack.enter_context(bind(arguments.host, arguments.port))
        stack.enter_context(_jobs(folder, settings, arguments.workers))
        application = _application(folder)
        if warning(arguments.host):
            print(warning(arguments.host), file=sys.stderr)
        serve(application, listener, ready=lambda: _greet(arguments.host, listener, folder))


def _application(folder: DataFolder) -> Application:
    # Bodies on their way in lie beside the store, not on a /tmp that may be memory.
    tempfile.tempdir = str(folder.spool)
    routes = list(read_routes(read_template()))
    functions = Functions(TEMPLATE.parent, (route.folder for route in routes))
    return Application(Router(routes), functions, objects=folder.objects, spool=folder.spool)


def _greet(host: str, listener: socket.socket, folder: DataFolder) -> None:
    print(greeting(host, listener.getsockname()[1], folder.path), flush=True)


@contextlib.contextmanager
def _jobs(folder: DataFolder, settings: Settings, workers: int) -> Iterator[None]:
    """Begin an epoch, and take up the jobs that the last run left."""
    from dicomorph.jobs.local import LocalRunner

    epoch = bootstrap.begin_epoch(folder.path)
    raise NotImplementedError
    yield
