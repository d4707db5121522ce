"""The curl commands of a page of the documentation, with what the page says of their outcome."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

_BLOCK = re.compile(r"^```(\w+)(.*)\n((?:.*\n)*?)^```$|^(\|.*\|)$|^(#+) (.*)$", re.MULTILINE)
_CURL = 'curl() { printf "%s\\0" "$@"; }\n'


class Row(NamedTuple):
    """One line of a table: what it speaks of, and how that is before and after the commands."""

    subject: str
    before: str
    after: str


@dataclass
class Example:
    """Commands that stand together in one block.

    Parameters
    ----------
    settings : Mapping[str, Any]
        Those that its section asks for.
    answer : Any
        The answer of the last command, as it is shown; None if it is not.
    rows : list[Row]
        The table below the block.
    """

    title: str
    number: int
    settings: Mapping[str, Any]
    commands: list[str]
    answer: Any = None
    rows: list[Row] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.title} {self.number}"

    @property
    def only_answers(self) -> bool:
        """Whether nothing is stored: the last answer is a file, or a refusal."""
        return " -o " in self.commands[-1] or "HttpStatus" in (self.answer or ())


@dataclass(frozen=True)
class CurlCall:
    """What curl would send, and where it would put the answer."""

    method: str
    url: str
    body: bytes
    output: str


def read_examples(page: str) -> list[Example]:
    """Return the examples of a page: blocks of ``sh``, with a block of ``json`` or a table below."""
    found: list[Example] = []
    title = ""
    settings: dict[str, Any] = {}
    for kind, purpose, text, row, marks, heading in _BLOCK.findall(page):
        if heading and len(marks) == 2:
            title, settings = heading, {}
        elif heading:
            title, settings = f"{title.split(':')[0]}: {heading}", {}
        elif purpose == " settings":
            settings = json.loads(text)
        elif kind == "sh":
            found.append(Example(title, len(found) + 1, settings, list(_commands(text))))
        elif kind == "json":
            found[-1].answer = json.loads(text)
        elif row and "---" not in row and found:
            found[-1].rows.append(Row(*(cell.strip() for cell in row.strip("|").split(" | "))))
    return found


def _commands(block: str) -> Iterator[str]:
    command = ""
    for line in block.splitlines(keepends=True):
        command += line
        try:
            shlex.split(command, comments=True)
        except ValueError:  # within quotes, or after a backslash
            continue
        if not command.rstrip().endswith("\\"):
            yield command
            command = ""
    assert not command, f"unfinished: {command}"


def curl_call(command: str, variables: Mapping[str, str], folder: Path) -> CurlCall:
    """Let the shell read a command, and tell what curl would do."""
    environment = {"PATH": os.environ["PATH"], **variables}
    shell = ["bash", "-euc", _CURL + command]
    done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, check=True)
    arguments = iter(done.stdout.decode().split("\0")[:-1])
    method, url, body, output = "", "", b"", ""
    for argument in arguments:
        if argument in ("-d", "--data-binary"):
            value = next(arguments)
            body = (folder / value[1:]).read_bytes() if value.startswith("@") else value.encode()
        elif argument == "-X":
            method = next(arguments)
        elif argument == "-o":
            output = next(arguments)
        else:
            assert not argument.startswith("-"), f"curl {argument} is not understood here"
            url = argument
    return CurlCall(method or ("POST" if body else "GET"), url, body, output)
