"""What the server prints when it is ready."""

from __future__ import annotations

import ipaddress
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens."""

    host: str
    port: int
    is_tls: bool = False

    @property
    def url(self) -> str:
        """As a client on this machine calls it."""
        return f"http{'s' if self.is_tls else ''}://{_url_host(self.host)}:{self.port}"


def greeting(address: Address, data: Path, incoming: Path | None = None) -> str:
    """Return where the server listens and how to try it; and which folder it empties, if any."""
    url = address.url
    watched = "" if incoming is None else f"\nWhat is put into {incoming} is taken in, and deleted there.\n"
    return f"""\
Dicomorph listens on {url} and keeps its data in {data}. Stop it with Ctrl-C.

  curl {url}/instances --data-binary @image.dcm         store a file
  curl {url}/instances                                  list what is stored
  curl {url}/instances/ID/anonymize -d '{{}}' -o out.dcm   fetch an anonymized copy
  curl {url}/studies/ID/anonymize -d '{{}}'                anonymize a whole study
{watched}"""


def warning(host: str) -> str:
    """Return what to know before listening on an address, empty for this machine's own."""
    if _is_loopback(host):
        return ""
    return f"Warning: {host} can be reached from other machines, and nobody is asked for a password."


def folder_warning(data: Path) -> str:
    """Return what to know of a data folder that others may enter, empty for one's own."""
    if not stat.S_IMODE(data.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        return ""
    return f"Warning: other users of this machine may enter {data}, where patients' images lie (chmod 700)."


def orphans_found(count: int, folder: Path) -> str:
    """Return what to say of files that were moved aside at a start, empty for none."""
    if not count:
        return ""
    files = (
        "1 file that nothing refers to was" if count == 1 else f"{count} files that nothing refers to were"
    )
    return f"{files} moved to {folder}; nothing was deleted (docs/operations/recover.md)."


def rejects_forgotten(count: int, days: int) -> str:
    """Return what to say of files that were set aside so many days ago, and are deleted now."""
    files = "1 file" if count == 1 else f"{count} files"
    return f"{files} that arrived and could not be taken, {days} days ago or more: deleted (RejectedDays)."


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url_host(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - only printed
    return f"[{host}]" if ":" in host else host


def say(text: str, stream: TextIO) -> None:
    """Write a line at once, if anybody reads: a server that runs is worth more than what it says.

    What cannot be written, to a full disk or a pipe that has been closed, is forgotten: it would be
    tried again, and be an error, when the program ends.
    """
    try:
        print(text, file=stream, flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
