"""A client of S3 that notes what is asked of it, and how many bytes of objects pass through this process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class CountedClient:
    """Hands calls on, from any thread, and counts.

    Parameters
    ----------
    client : S3Client
        What answers.
    """

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.calls: Counter[str] = Counter()
        self.received = self.sent = 0
        self.parts: dict[int, tuple[str, int]] = {}

    def __copy__(self) -> CountedClient:
        found = CountedClient(self._client)
        found.calls, found.parts = self.calls.copy(), self.parts.copy()
        found.received, found.sent = self.received, self.sent
        return found

    @property
    def moved(self) -> int:
        """Bytes in both directions together."""
        return self.received + self.sent

    def plan(self) -> list[tuple[str, int]]:
        """Return the parts of the last upload: how each came, and its size in bytes."""
        return [self.parts[number] for number in sorted(self.parts)]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            answer = function(*args, **options)
            with self._lock:
                self._note(name, options, answer)
            return answer

        return call

    def _note(self, name: str, options: dict[str, Any], answer: Any) -> None:
        self.calls[name] += 1
        size = len(options.get("Body", b""))
        self.sent += size
        if name == "get_object":
            self.received += answer["ContentLength"]
        elif name == "create_multipart_upload":
            self.parts = {}
        elif name == "upload_part":
            self.parts[options["PartNumber"]] = ("sent", size)
        elif name == "upload_part_copy":
            first, last = options["CopySourceRange"].removeprefix("bytes=").split("-")
            self.parts[options["PartNumber"]] = ("copied", int(last) - int(first) + 1)
