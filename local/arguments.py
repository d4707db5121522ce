"""The options of ``python -m local``."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked for on the command line."""

    host: str
    port: int
    data: Path
    settings: Path | None
    workers: int
    incoming: Path | None = None
    rebuild_index: bool = False
    verify: bool = False
    names: bool = False
    backup: Path | None = None


def parse_arguments(arguments: list[str] | None = None) -> Arguments:
    """Read the command line; a mistake ends the process with status 2 and the usage."""
    parser = argparse.ArgumentParser(
        prog="python -m local", description="Serve Orthanc's REST API without AWS."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8042, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="folder to keep (default: ./%(default)s)"
    )
    parser.add_argument("--settings", type=Path, help="JSON file with Orthanc's names of settings")
    parser.add_argument(
        "--workers",
        type=_workers,
        default=os.cpu_count() or 1,
        help="processes that run jobs (default: cores)",
    )
    parser.add_argument(
        "--incoming", type=Path, metavar="DIR", help="folder to watch: files there are taken in, and deleted"
    )
    _add_care(parser)
    read = Arguments(**vars(parser.parse_args(arguments)))
    if read.names and not read.verify:
        parser.error("argument --names: goes with --verify alone")
    if read.incoming and (read.verify or read.rebuild_index or read.backup):
        parser.error("argument --incoming: goes with serving alone")
    return read


def _add_care(parser: argparse.ArgumentParser) -> None:
    """Add what is done with a data folder instead of serving it."""
    group = parser.add_argument_group("instead of serving the folder")
    deeds = group.add_mutually_exclusive_group()
    deeds.add_argument("--rebuild-index", action="store_true", help="make the index anew, of the files")
    deeds.add_argument("--verify", action="store_true", help="compare index and files, all of them")
    deeds.add_argument("--backup", type=Path, metavar="DIR", help="copy or update, also while it is served")
    group.add_argument("--names", action="store_true", help="with --verify: which files, not only how many")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"a port lies between 0 and {_LARGEST_PORT}")
    return port


def _workers(text: str) -> int:
    workers = int(text)
    if workers < 1:
        raise argparse.ArgumentTypeError("at least one worker is needed")
    return workers
