"""Putting the embedded server together, in the order that makes a crash harmless."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

from dicomorph import bootstrap
from dicomorph.embedded.backend import begin_epoch, embedded_backend, orphans_folder
from dicomorph.embedded.jobs.runner import LocalRunner
from dicomorph.embedded.tidying import Tidying
from dicomorph.http.observability import get_logger
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Json
from dicomorph.model.settings import parse_settings
from dicomorph.services.backend import Backend
from dicomorph.services.server.check_settings import waiting_settings
from local.application import Application
from local.arguments import Arguments
from local.daily import DAY, every_day
from local.data_folder import DataFolder, lock_data_folder
from local.front.listening import bind
from local.front.serving import serve
from local.front.tls import tls_context
from local.functions import Functions
from local.greeting import Address, folder_warning, greeting, orphans_found, rejects_forgotten, say, warning
from local.incoming_folder import arrivals_taken, incoming_folder
from local.index_state import require_index
from local.receiving import RECEIVING, handle
from local.routing import Router
from local.settings_file import SettingsFileError, read_settings
from local.target_folders import target_folders, with_target_folders
from local.template import TEMPLATE, read_routes, read_template
from local.worker import worker_spec

_PATIENCE = 2.0  # seconds, in which some 50,000 files are looked at
_ORPHANED_FOR = 3 * DAY
_CLOCK_LAG = 0.1  # seconds, by which the times of files may be behind the clock, and more


def run(arguments: Arguments) -> None:
    """Serve until a signal ends it.

    Raises
    ------
    SettingsFileError, CertificateError, DataFolderError, TargetFolderError, IncomingFolderError,
    CannotListenError
        If it cannot start; nothing was changed then.
    """
    _allow_many_connections()
    os.umask(0o077)  # whatever is made, by this process or its workers, is the user's own
    settings = read_settings(arguments.settings)
    tls = tls_context(parse_settings(settings))
    _log_to_terminal()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(bind(arguments.host, arguments.port))
        folder = lock_data_folder(arguments.data)
        stack.callback(folder.release)
        require_index(folder.path)
        settings = with_target_folders(settings, folder.path)
        incoming = arguments.incoming and stack.enter_context(
            incoming_folder(arguments.incoming, folder.path, target_folders(settings))
        )
        application = _application(folder)
        # After what takes the processor for longest here: the workers need it as much.
        stack.enter_context(_jobs(folder, settings, arguments))
        for said in (
            warning(arguments.host),
            folder_warning(folder.path),
            waiting_settings(parse_settings(settings)),
        ):
            if said:
                say(said, sys.stderr)
        if incoming:
            stack.enter_context(arrivals_taken(bootstrap.get_backend(), incoming, folder.path))
        where = Address(arguments.host, listener.getsockname()[1], is_tls=tls is not None)
        serve(
            application,
            listener,
            spool=folder.spool,
            tls=tls,
            ready=lambda: say(greeting(where, folder.path, incoming), sys.stdout),
        )


def _allow_many_connections() -> None:
    """Take as many file descriptors as the system allows: each connection holds one, each answer more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _log_to_terminal() -> None:
    logger = get_logger()
    logger.setLevel("WARNING")  # a line of JSON for each request is for CloudWatch
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)


@contextlib.contextmanager
def _jobs(folder: DataFolder, settings: Json, arguments: Arguments) -> Iterator[None]:
    """Begin an epoch, set the backend of this process, and take up the jobs that the last run left."""
    started = time.time() - _CLOCK_LAG
    epoch = begin_epoch(folder.path)
    runner = LocalRunner(worker_spec(folder.path, settings, epoch=epoch), workers=arguments.workers)
    try:
        backend = embedded_backend(
            folder.path, parse_settings(settings), epoch=epoch, runner=runner, host=arguments.host
        )
        bootstrap.use_backend(backend)
        _open_trail(backend)
        tidying = Tidying(backend, folder.path)
        _tidy(tidying, folder, before=started)
        runner.recover(backend)
        kept = parse_settings(settings).rejected_days
        _forget_rejected(folder, kept)
        with every_day(lambda: _tidy_again(tidying, folder, rejected_days=kept)):
            yield
    finally:
        runner.close()


def _open_trail(backend: Backend) -> None:
    """See whether the access trail can be written, before anybody asks for anything."""
    try:
        if backend.trail is not None:
            backend.trail.write([])
    except DicomorphError as error:
        raise SettingsFileError(error.details) from error


def _tidy(tidying: Tidying, folder: DataFolder, *, before: float) -> None:
    """Erase what is due before jobs go on, and look for orphans; where there are many files, meanwhile."""
    with _told("erase what was deleted"):
        tidying.erase_what_is_due()

    def look() -> None:
        _look_for_orphans(tidying, folder, before=before, starting=True)

    looking = threading.Thread(target=look, name="orphans", daemon=True)
    looking.start()
    looking.join(_PATIENCE)


def _tidy_again(tidying: Tidying, folder: DataFolder, *, rejected_days: int) -> None:
    """Do amid jobs what a start does, to what is so old that nothing that goes on can have left it there."""
    now = time.time()
    _look_for_orphans(tidying, folder, before=now - _ORPHANED_FOR, starting=False)
    with contextlib.suppress(OSError):  # the next start sees to it
        folder.remove_results(before=now - DAY)
    _forget_rejected(folder, rejected_days)


def _forget_rejected(folder: DataFolder, days: int) -> None:
    """Delete what was set aside so many days ago; with 0, nothing ever is."""
    if not days:
        return
    with contextlib.suppress(OSError):  # tomorrow is another day
        if removed := folder.remove_rejected(before=time.time() - days * DAY):
            say(rejects_forgotten(removed, days), sys.stderr)


def _look_for_orphans(tidying: Tidying, folder: DataFolder, *, before: float, starting: bool) -> None:
    with _told("look for files that nothing refers to"):
        moved = tidying.move_orphans(before=before, starting=starting)
        said = orphans_found(moved, orphans_folder(folder.path))
        if said:
            say(said, sys.stderr)


@contextlib.contextmanager
def _told(deed: str) -> Iterator[None]:
    """Say on the terminal what could not be done; a server that runs is worth more."""
    try:
        yield
    except DicomorphError as error:
        say(f"Could not {deed}: {error}; the next start tries again.", sys.stderr)


def _application(folder: DataFolder) -> Application:
    # Bodies on their way in lie beside the store, not on a /tmp that may be memory.
    tempfile.tempdir = str(folder.spool)
    routes = list(read_routes(read_template()))
    functions = Functions(TEMPLATE.parent, (route.folder for route in routes), {RECEIVING.folder: handle})
    return Application(Router([*routes, RECEIVING]), functions, objects=folder.objects)
