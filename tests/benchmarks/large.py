"""How fast large instances are anonymized over HTTP, and in how much memory, against Orthanc if it is there.

``make bench-large``, or ``python -m tests.benchmarks.large [--native 506] [--encapsulated 200]``. All servers
run at once and take turns, each a process of its own on an empty folder below ``--work``.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.files import MEGABYTE, multi_frame
from tests.benchmarks.processes import PeakMemory, load, proportional_memory
from tests.benchmarks.servers import EDITION, Server, dicomorph, find_orthanc, orthanc
from tests.support.large_files import compressed_frame, encapsulated_file

_FRAME = 80_000  # bytes; of ultrasound
_BODY = b'{"DicomVersion": "%s"}' % EDITION.encode()


@dataclass
class Measured:
    """What one server took for one kind of request."""

    seconds: list[float] = field(default_factory=list)
    growth: int = 0  # KiB


def measure(
    servers: Mapping[str, Server], ask: Callable[[Server], None], repetitions: int
) -> dict[str, Measured]:
    """Ask each server in turn, as often; the first time counts for memory alone."""
    found = {name: Measured() for name in servers}
    for repetition in range(repetitions + 1):
        for name, server in servers.items():
            before = proportional_memory(server.pid)
            with PeakMemory(server.pid) as memory:
                start = time.perf_counter()
                ask(server)
                elapsed = time.perf_counter() - start
            if repetition:
                found[name].seconds.append(elapsed)
            found[name].growth = max(found[name].growth, memory.peak - before)
    return found


def compare(servers: Mapping[str, Server], path: Path, repetitions: int) -> None:
    """Print what the servers take for one file."""
    size = path.stat().st_size
    stored = {}
    for server in servers.values():
        with path.open("rb") as file:
            stored[server.pid] = server.call("POST", "/instances", file)

    def edit(server: Server) -> None:
        length = drain(server, f"/instances/{stored[server.pid]['ID']}/anonymize")
        if abs(length - size) > MEGABYTE:
            raise RuntimeError(f"{length} bytes were answered, not {size}")

    def run(server: Server) -> None:
        answer = server.call("POST", f"/series/{stored[server.pid]['ParentSeries']}/anonymize", _BODY)
        if answer["InstancesCount"] != 1 or answer["FailedInstancesCount"]:
            raise RuntimeError("the instance was not anonymized")
        server.call("DELETE", f"/series/{answer['ID']}")

    for what, ask in (("instance", edit), ("job", run)):
        found = measure(servers, ask, repetitions)
        for name, one in found.items():
            print(
                f"  {what:8} {name:9} median {statistics.median(one.seconds):6.2f} s "
                f"({min(one.seconds):.2f}-{max(one.seconds):.2f}), memory grew by {one.growth / 1024:.0f} MB"
            )
        if len(found) > 1:
            ratio = statistics.median(found["orthanc"].seconds) / statistics.median(
                found["dicomorph"].seconds
            )
            print(f"  {what:8} ratio {ratio:.1f}")


def drain(server: Server, path: str) -> int:
    """Return how many bytes a request is answered with."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=3600)
    with contextlib.closing(connection):
        connection.request("POST", path, _BODY)
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise RuntimeError(f"{path}: {response.status}")
        buffer, length = bytearray(MEGABYTE), 0
        while count := response.readinto(buffer):
            length += count
    return length


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure large instances.")
    parser.add_argument("--work", type=Path, help="where the servers keep their data; the same disk for all")
    parser.add_argument("--native", type=int, default=506, metavar="MB")
    parser.add_argument("--encapsulated", type=int, default=200, metavar="MB")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder, contextlib.ExitStack() as stack:
        work = Path(folder)
        servers = {"dicomorph": stack.enter_context(dicomorph(work, sync=False))}
        if find_orthanc():
            servers["orthanc"] = stack.enter_context(orthanc(work, sync=False))
        path = work / "large.dcm"
        path.write_bytes(multi_frame(arguments.native * MEGABYTE))
        print(f"native, {arguments.native} MB; {load()}")
        compare(servers, path, arguments.repetitions)
        frame = compressed_frame(_FRAME)
        path.write_bytes(encapsulated_file(frame, arguments.encapsulated * MEGABYTE // len(frame)))
        print(f"JPEG, {arguments.encapsulated} MB; {load()}")
        compare(servers, path, arguments.repetitions)


if __name__ == "__main__":
    main()
