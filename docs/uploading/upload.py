#!/usr/bin/env python3
"""Send a file of any size past the API: python upload.py http://127.0.0.1:8042 ct.dcm."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import requests


class Part:
    """A range of a file, read as it is sent."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        file.seek(start)
        self._file, self._left = file, stop - start

    def __len__(self) -> int:
        return self._left

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(1 << 20), b"")

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, no more than there are in the range."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def upload(server: str, path: Path, api: Any) -> dict[str, Any]:
    """Return what became of a file; `api` is a session, with ``auth`` that signs its calls on AWS."""

    def call(method: str, address: str, body: Any = None) -> Any:
        answer = api.request(method, f"{server}{address}", json=body)
        answer.raise_for_status()
        return answer.json()

    offer = call("POST", "/uploads", {"Size": path.stat().st_size})
    with path.open("rb") as file:
        for part in offer.get("Parts") or [{**offer, "From": 0, "To": offer["Size"]}]:
            data = Part(file, part["From"], part["To"])
            # Without `auth`: the address has a signature of its own.
            requests.put(part["Url"], data=data, headers=part["Headers"], timeout=600).raise_for_status()
    if "Complete" in offer:
        call("POST", offer["Complete"])
    while (found := call("GET", offer["Path"]))["State"] == "Pending":
        time.sleep(1)
    return dict(found)


if __name__ == "__main__":
    found = upload(sys.argv[1], Path(sys.argv[2]), requests.Session())
    sys.stdout.write(json.dumps(found, indent=3) + "\n")
    sys.exit(found["State"] != "Success")
