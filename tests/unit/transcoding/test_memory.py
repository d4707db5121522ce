"""How much memory a long multi-frame takes: some frames, not all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dicomorph.transcoding.codecs.registry import SYNTAXES
from tests.support.images import Image, image_file
from tests.support.transcoded import RLE, transcoded

MEGABYTE = 1 << 20
FRAMES = 400  # of half a megabyte
GROWTH = 16  # megabytes, of 200; on two cores it is less than four
IN_FLIGHT = 256 + 32  # megabytes for frames, and what holds their codestreams

PROGRAM = """
import os, sys, tempfile, threading, time
from pathlib import Path
from dicomorph.dicom.stream.mapped_source import MappedSource
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.transcoding.transcode import Target, transcode

small, large, folder, syntax = sys.argv[1:]
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
peak = 0

def watch():  # pages of mapped files are the kernel's to take back: RssAnon counts the others
    global peak
    while True:
        status = Path("/proc/self/status").read_text()
        peak = max(peak, int(status.partition("RssAnon:")[2].split()[0]) // 1024)
        time.sleep(0.002)

def new_file():
    descriptor, path = tempfile.mkstemp(dir=folder)
    os.unlink(path)
    return descriptor

def write(source, syntax, path):
    script = transcode(source, Target(syntax))
    with open(path, "wb") as file:
        for piece in script.chunks(source):
            file.write(piece)

threading.Thread(target=watch, daemon=True).start()
write(BufferSource(Path(small).read_bytes()), syntax, os.devnull)  # what libraries take once
before = peak
there, back = Path(folder, "there"), Path(folder, "back")
scratch = FileScratch(new_file)
write(MappedSource(os.open(large, os.O_RDONLY), scratch), syntax, there)
write(MappedSource(os.open(there, os.O_RDONLY), scratch), "1.2.840.10008.1.2.2", back)
print(peak - before, back.stat().st_size)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
@pytest.mark.parametrize("syntax", [RLE, "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.50"])
def test_a_multi_frame_of_200_megabytes_takes_a_few_frames_of_memory(syntax: str, tmp_path: Path) -> None:
    bits = 8 if syntax.endswith(".50") else 16
    frame = np.add.outer(np.arange(512), np.arange(512 * 16 // bits)).astype(f"<u{bits // 8}").tobytes()
    for name, frames in (("small", 8), ("large", FRAMES)):
        image = Image(512, 512 * 16 // bits, bits=bits, frames=frames)
        (tmp_path / name).write_bytes(image_file(image, frame * frames))
    folder = str(tmp_path)
    command = [sys.executable, "-c", PROGRAM, f"{folder}/small", f"{folder}/large", folder, syntax]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    growth, size = map(int, found)
    assert size > FRAMES * len(frame) == 200 * MEGABYTE
    assert growth < GROWTH, f"{growth} MB more"


AT_ONCE = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.transcoding.transcode import Target, transcode

large, small, syntax, requests = sys.argv[1:]

def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024

def convert(path):
    source = BufferSource(Path(path).read_bytes())
    back = BufferSource(transcode(source, Target(syntax)).join(source))
    transcode(back, Target("1.2.840.10008.1.2.5"))

convert(small)
before = peak()
with ThreadPoolExecutor(int(requests)) as pool:
    list(pool.map(convert, [large] * int(requests)))
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read as Linux tells it")
@pytest.mark.parametrize("syntax", [each for each in SYNTAXES if each != RLE])
def test_eight_conversions_at_once_take_no_more_than_all_may(syntax: str, tmp_path: Path) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    for path, side in ((large, 4096), (small, 64)):
        blank = image_file(Image(side, side, bits=8), bytes(side * side), vr="OB")
        path.write_bytes(transcoded(blank, RLE))
    command = [sys.executable, "-c", AT_ONCE, str(large), str(small), syntax, "8"]
    found = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert found < IN_FLIGHT, f"{found} MB more"
