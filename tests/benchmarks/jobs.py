"""How fast a study is anonymized, against Orthanc where it is installed, and how far a job scales.

::

    python -m tests.benchmarks.jobs                 500 CT images, with and without fsync
    python -m tests.benchmarks.jobs --scale 100000  one patient of so many small instances
    python -m tests.benchmarks.jobs --clients 4     ten synchronous jobs each on a study of 50

Each server is a process of its own on an empty folder below ``--work``, one after the other.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.filling import fill
from tests.benchmarks.processes import PeakMemory, load
from tests.benchmarks.servers import EDITION, Server, dicomorph, empty_folder, find_orthanc, orthanc
from tests.benchmarks.studies import ct_study


def compare(work: Path, study: Path, repetitions: int) -> None:
    """Print the speed of anonymizing a study, ours and Orthanc's, with and without fsync."""
    files = [path.read_bytes() for path in sorted(study.iterdir())]
    megabytes = sum(map(len, files)) / 1e6
    print(f"{len(files)} instances, {megabytes:.0f} MB; {load()}")
    if find_orthanc():
        version = subprocess.run([find_orthanc(), "--version"], capture_output=True, text=True, check=True)
        print(version.stdout.partition("\n")[0])
    for sync in (False, True):
        speeds = {}
        contenders = [("dicomorph", dicomorph)] + ([("orthanc", orthanc)] if find_orthanc() else [])
        for name, start in contenders:
            with start(work, sync=sync) as server:
                speeds[name] = _measure(name, server, files, repetitions, sync=sync)
        if len(speeds) > 1:
            print(f"  ratio {speeds['dicomorph'] / speeds['orthanc']:.1f}; {load()}")


def _measure(name: str, server: Server, files: Sequence[bytes], repetitions: int, *, sync: bool) -> float:
    start = time.perf_counter()
    for file in files:
        study = server.call("POST", "/instances", file)["ParentStudy"]
    uploaded = len(files) / (time.perf_counter() - start)
    rates = []
    with PeakMemory(server.pid) as memory:
        for _ in range(repetitions):
            start = time.perf_counter()
            answer = server.post(f"/studies/{study}/anonymize", {"DicomVersion": EDITION})
            rates.append(len(files) / (time.perf_counter() - start))
            if answer["InstancesCount"] != len(files) or answer["FailedInstancesCount"]:
                raise RuntimeError("not all instances were anonymized")
    speed = statistics.median(rates)
    print(
        f"  {name:9} SyncStorageArea={sync!s:5} upload {uploaded:4.0f}/s, anonymize {speed:4.0f}/s "
        f"({min(rates):.0f}-{max(rates):.0f}), peak {memory.peak / 1024:.0f} MB"
    )
    return speed


def scale(work: Path, instances: int) -> None:
    """Print what it takes to replace all instances of one patient."""
    data = empty_folder(work / "scale")
    start = time.perf_counter()
    patient = fill(data, instances)
    print(f"{instances} instances of one patient stored in {time.perf_counter() - start:.0f} s; {load()}")
    with dicomorph(work, sync=False, data=data) as server, PeakMemory(server.pid) as memory:
        start = time.perf_counter()
        body = {"KeepSource": False, "Asynchronous": True}
        job = server.post(f"/patients/{patient}/anonymize", body)["ID"]
        while (view := server.call("GET", f"/jobs/{job}"))["State"] in {"Pending", "Running"}:
            time.sleep(1)
        elapsed = time.perf_counter() - start
        counts = server.call("GET", "/statistics")
    content = view["Content"]
    print(
        f"  {view['State']} in {elapsed:.0f} s, {instances / elapsed:.0f}/s; "
        f"{content['InstancesCount']} instances, {content['FailedInstancesCount']} failed; "
        f"left: {counts['CountInstances']} instances of {counts['CountPatients']} patient(s), "
        f"{_count_files(data)} files; peak {memory.peak / 1024:.0f} MB; {load()}"
    )


def clients(work: Path, count: int, jobs: int) -> None:
    """Print how many resources there are after several clients anonymized one study at once."""
    data = empty_folder(work / "clients")
    patient = fill(data, 50)
    with dicomorph(work, sync=True, data=data) as server, ThreadPoolExecutor(count) as pool:
        (study,) = server.call("GET", f"/patients/{patient}")["Studies"]
        start = time.perf_counter()
        path = f"/studies/{study}/anonymize"
        answers = list(pool.map(lambda _: server.post(path, {}), range(count * jobs)))
        elapsed = time.perf_counter() - start
        found = server.call("GET", "/statistics")
    counts = [found[f"Count{level}"] for level in ("Patients", "Studies", "Series", "Instances")]
    print(
        f"{count} clients, {len(answers)} jobs of 50 instances in {elapsed:.1f} s: "
        f"{counts} patients, studies, series, instances; {load()}"
    )


def _count_files(data: Path) -> int:
    return sum(1 for path in (data / "objects" / "instances").rglob("*.dcm"))


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure jobs.")
    parser.add_argument("--work", type=Path, help="where the servers keep their data; the same disk for all")
    parser.add_argument("--study", type=Path, help="a folder of DICOM files in place of the generated study")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--scale", type=int, metavar="INSTANCES")
    parser.add_argument("--clients", type=int, metavar="CLIENTS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        work = Path(folder)
        if arguments.scale:
            scale(work, arguments.scale)
        elif arguments.clients:
            clients(work, arguments.clients, 10)
        else:
            compare(work, arguments.study or ct_study(work / "study"), arguments.repetitions)


if __name__ == "__main__":
    main()
