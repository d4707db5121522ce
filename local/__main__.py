"""``python -m local``: serve Orthanc's REST API from this machine, without AWS."""

from __future__ import annotations

import signal
import sys

if __name__ == "__main__":
    # Before all else: until the server listens, Ctrl-C ends it at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from dicomorph.model.errors import DicomorphError
from local.arguments import Arguments, parse_arguments
from local.back_up import back_up_folder
from local.data_folder import DataFolderError
from local.front.listening import CannotListenError
from local.front.tls import CertificateError
from local.incoming_folder import IncomingFolderError
from local.rebuild_index import rebuild
from local.run import run
from local.settings_file import SettingsFileError
from local.target_folders import TargetFolderError
from local.verify import verify_folder


def main(arguments: list[str] | None = None) -> int:
    """Run the server, or do what else was asked; return the exit status, 2 where it could not begin."""
    try:
        return _do(parse_arguments(arguments))
    except (
        CannotListenError,
        CertificateError,
        DataFolderError,
        IncomingFolderError,
        SettingsFileError,
        TargetFolderError,
        DicomorphError,
    ) as error:
        print(error, file=sys.stderr)
        return 2


def _do(arguments: Arguments) -> int:
    if arguments.rebuild_index:
        return rebuild(arguments)
    if arguments.backup is not None:
        return back_up_folder(arguments, arguments.backup)
    if arguments.verify:
        return verify_folder(arguments)
    run(arguments)
    return 0


# The worker processes are spawned and load this module under another name.
if __name__ == "__main__":
    sys.exit(main())
