"""How fast files are transcoded, in one run against Orthanc and the programs of GDCM and DCMTK.

``make bench-transcoding``, or ``python -m tests.benchmarks.transcoding [FILE...] [--syntax UID...]``.
Every number is a median, and the contenders take turns. Ours is the time in a process that runs, as in
both servers; Orthanc's that of `modify` over HTTP without that of the same call without a transcoding;
that of a program is without what it takes to start. A quotient is their time by ours: above 1, ours is
faster. A dash is for who does not know the transfer syntax, or answers with an error.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

import numpy as np

from dicomorph.dicom.stream.part10 import open_dataset
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.transcoding.codecs.registry import SYNTAXES
from dicomorph.transcoding.transcode import Target, transcode
from tests.benchmarks.servers import Server, find_orthanc, orthanc
from tests.dicom_factory import EXPLICIT, Element
from tests.support.images import Image, image_file

Work: TypeAlias = Callable[[], object]

PROGRAMS = "/usr/bin:/usr/local/bin"
BUDGET, LEAST, MOST = 3.0, 3, 15  # seconds for one row of each kind, repetitions
GDCM = {
    "1.2.840.10008.1.2.5": ["--rle"],
    "1.2.840.10008.1.2.4.50": ["--jpeg", "--lossy", "-q", "90"],
    "1.2.840.10008.1.2.4.70": ["--jpeg"],
    "1.2.840.10008.1.2.4.80": ["--jpegls"],
    "1.2.840.10008.1.2.4.81": ["--jpegls", "--lossy", "-e", "2"],
    "1.2.840.10008.1.2.4.90": ["--j2k"],
    EXPLICIT: ["--raw"],
}
DCMTK = {
    "1.2.840.10008.1.2.5": ["dcmcrle"],
    "1.2.840.10008.1.2.4.50": ["dcmcjpeg", "+eb"],
    "1.2.840.10008.1.2.4.51": ["dcmcjpeg", "+ee"],
    "1.2.840.10008.1.2.4.57": ["dcmcjpeg", "+el"],
    "1.2.840.10008.1.2.4.70": ["dcmcjpeg", "+e1"],
    "1.2.840.10008.1.2.4.80": ["dcmcjpls", "+el"],
    "1.2.840.10008.1.2.4.81": ["dcmcjpls", "+en", "+md", "2"],
}
DCMTK_DECODERS = {
    "1.2.840.10008.1.2.5": "dcmdrle",
    **{f"1.2.840.10008.1.2.4.{n}": "dcmdjpeg" for n in (50, 51, 57, 70)},
    **{f"1.2.840.10008.1.2.4.{n}": "dcmdjpls" for n in (80, 81)},
}


def images() -> dict[str, bytes]:
    """Return native files like those of scanners: structures and some noise."""
    return {
        "ct 512x512x12": _file(Image(512, 512, bits=16, stored=12)),
        "cr 2048x2048x16": _file(Image(2048, 2048, bits=16)),
        "rgb 640x480": _file(Image(480, 640, samples=3, bits=8, colours="RGB")),
        "mr 64 frames": _file(Image(256, 256, bits=16, stored=12, frames=64)),
    }


def _file(image: Image) -> bytes:
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[: image.rows, : image.columns]
    stored = image.stored or image.bits
    frames = []
    for number in range(image.frames):
        waves = np.sin(rows / 23 + number / 9) * np.cos(columns / 31) + (
            np.hypot(rows - 99, columns - 140) < 80
        )
        noise = random.normal(0, 0.004, (*rows.shape, image.samples))
        scaled = (waves[..., None] / 5 + 0.4 + noise) * ((1 << stored) - 1)
        frames.append(np.clip(scaled, 0, (1 << stored) - 1).astype(f"<u{image.bits // 8}"))
    planar = [Element(0x00280006, "US", 0)] if image.samples > 1 else []
    more = [Element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7"), *planar]
    identifiers = [Element(tag, "UI", f"1.2.3.{tag & 15}") for tag in (0x0020000D, 0x0020000E)]
    name = Element(0x00100020, "LO", "BENCH")
    return image_file(image, np.stack(frames).tobytes(), *more, *identifiers, name)


class Orthanc:
    """One file at a running Orthanc."""

    def __init__(self, server: Server, data: bytes) -> None:
        self._port = server.port
        for instance in server.call("GET", "/instances"):
            server.call("DELETE", f"/instances/{instance}")
        answer = server.call("POST", "/instances", data)
        self._path = f"/instances/{answer['ID']}/modify"

    def modify(self, syntax: str) -> bytes:
        """Return the file in a transfer syntax, as it is if that is empty; `RuntimeError` if refused."""
        body = {"Transcode": syntax, "LossyQuality": 90} if syntax else {}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        connection.request("POST", self._path, json.dumps(body))
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        is_done = response.status == http.client.OK
        if not is_done or (syntax and open_dataset(BufferSource(answer)).transfer_syntax != syntax):
            raise RuntimeError(response.status)
        return answer


def ours(data: bytes, syntax: str) -> bytes:
    """Return a file in a transfer syntax."""
    source = BufferSource(data)
    return transcode(source, Target(syntax), sop_instance_uid="1.2.3.4").join(source)


def programs(syntax: str, before: str, source: Path, target: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the command lines that do the same."""
    gdcm = shutil.which("gdcmconv", path=PROGRAMS)  # not the one of the environment, which starts Python
    if syntax in GDCM and gdcm:
        yield "gdcm", [gdcm, *GDCM[syntax], str(source), str(target)]
    command = DCMTK.get(syntax) if syntax != EXPLICIT else [DCMTK_DECODERS.get(before, "")]
    if command and command[0] and shutil.which(command[0]):
        yield "dcmtk", [*command, str(source), str(target)]


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def medians(rivals: dict[str, Work]) -> dict[str, float]:
    """Return the median time of each that does not fail, in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    spent, repetition = 0.0, 0
    while repetition < LEAST or (repetition < MOST and spent < BUDGET):
        for name in list(times):
            start = time.perf_counter()
            try:
                rivals[name]()
            except (RuntimeError, subprocess.CalledProcessError):
                del times[name]
                continue
            times[name].append((time.perf_counter() - start) * 1000)
            spent += times[name][-1] / 1000
        repetition += 1
    return {name: statistics.median(found) for name, found in times.items()}


def start_of(program: str) -> float:
    """Return what a program takes to start and say its version, in milliseconds."""
    return medians({"": lambda: run([program, "--version"])}).get("", 0.0)


def row(data: bytes, syntax: str, server: Server | None, folder: Path) -> dict[str, float]:
    """Return the time that each takes for one file."""
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(data)
    before = open_dataset(BufferSource(data)).transfer_syntax
    rivals: dict[str, Work] = {"ours": functools.partial(ours, data, syntax)}
    commands = dict(programs(syntax, before, source, target))
    rivals |= {name: functools.partial(run, command) for name, command in commands.items()}
    if server is not None:
        file = Orthanc(server, data)
        rivals |= {"orthanc": lambda: file.modify(syntax), "as it is": lambda: file.modify("")}
    found = medians(rivals)
    for name in commands.keys() & found.keys():
        found[name] = max(found[name] - start_of(commands[name][0]), 0)
    if "orthanc" in found:
        found["orthanc"] = max(found["orthanc"] - found.get("as it is", 0), 0)
    return found


def line(name: str, syntax: str, found: dict[str, float], size: int) -> str:
    """Return a row of the table."""
    cells = []
    for rival in ("orthanc", "gdcm", "dcmtk"):
        quotient = found[rival] / found["ours"] if rival in found else None
        cells.append(f"{quotient:8.1f}x" if quotient is not None else f"{'-':>9}")
    rate = size / found["ours"] / 1000
    return f"{name:16} {syntax:24} {found['ours']:9.1f} ms {rate:6.0f} MB/s {' '.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "files", nargs="*", type=Path, help="files to transcode in place of the built-in ones"
    )
    parser.add_argument("--syntax", nargs="*", default=list(SYNTAXES))
    arguments = parser.parse_args()
    files = {path.name: path.read_bytes() for path in arguments.files} or images()
    print(f"{'file':16} {'to':24} {'ours':>12} {'':11} {'orthanc':>9} {'gdcm':>9} {'dcmtk':>9}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(orthanc(folder, sync=False)) if find_orthanc() else None
        for name, data in files.items():
            for syntax in arguments.syntax:
                short = syntax.removeprefix("1.2.840.10008.")
                try:
                    there = ours(data, syntax)
                except Exception as error:  # noqa: BLE001 - the row says so
                    print(f"{name:16} {short:24} {error}")
                    continue
                print(line(name, short, row(data, syntax, server, folder), len(data)), flush=True)
                back = row(there, EXPLICIT, server, folder)
                print(line(name, f"{short} to native", back, len(data)), flush=True)


if __name__ == "__main__":
    main()
