"""A server that watches a folder: which folders it refuses, and that no end of it loses or doubles a file."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from local.arguments import parse_arguments
from local.data_folder import DataFolderError, lock_data_folder
from local.incoming_folder import IncomingFolderError, incoming_folder
from tests.local.conftest import ROOT, Server
from tests.support.api_client import make_dicom
from tests.support.arrivals import zipped
from tests.support.kept_folders import filled, lose_index

RULES = {"even/": {"Anonymize": {}}, "out/": {"Anonymize": {}, "To": "research"}}


def settings(folder: Path, rules: object, **others: object) -> list[str]:
    """Write a file of settings with a target; return the options that name it, and the watched folder."""
    document = {"ArrivalRules": rules, "Targets": {"research": str(folder / "research")}, **others}
    (folder / "settings.json").write_text(json.dumps(document))
    return ["--settings", str(folder / "settings.json"), "--incoming", str(folder / "in")]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def rejects(data: Path) -> list[bytes]:
    """Return what was set aside; each has a reason beside it."""
    found = {path.name for path in files(data / "rejected")}
    kept = {name for name in found if not name.endswith(".json")}
    assert found == kept | {f"{name}.json" for name in kept}
    return sorted((data / "rejected" / name).read_bytes() for name in kept)


@pytest.mark.parametrize("place", ["data", "data/objects", ".", "research", "research/in", "link"])
def test_a_folder_that_is_not_apart_from_data_and_targets_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "data/objects").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data")
    before = sorted(tmp_path.rglob("*"))
    targets = {"research": tmp_path / "research"}
    with (
        pytest.raises(IncomingFolderError, match=r"not apart"),
        incoming_folder(tmp_path / place, tmp_path / "data", targets),
    ):
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_a_file_or_is_watched_already_is_refused_and_an_absent_one_is_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(IncomingFolderError, match="File exists"),
        incoming_folder(tmp_path / "file", tmp_path / "data", {}),
    ):
        pass
    with incoming_folder(tmp_path / "a/in", tmp_path / "data", {}) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        with (
            pytest.raises(IncomingFolderError, match="another server"),
            incoming_folder(tmp_path / "a/in", tmp_path / "other", {}),
        ):
            pass
    with incoming_folder(tmp_path / "a/in", tmp_path / "other", {}):
        pass


@pytest.mark.parametrize("deed", [["--verify"], ["--rebuild-index"], ["--backup", "there"]])
def test_a_folder_is_watched_where_the_data_folder_is_served_alone(
    deed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--incoming", "in", *deed])
    assert "goes with serving alone" in capsys.readouterr().err


def test_what_was_set_aside_belongs_to_a_data_folder_whose_index_is_lost(tmp_path: Path) -> None:
    filled(tmp_path / "data")
    lose_index(tmp_path / "data")
    (tmp_path / "data/rejected").mkdir()
    with pytest.raises(DataFolderError, match="--rebuild-index"):
        lock_data_folder(tmp_path / "data")


@pytest.mark.slow
def test_a_server_with_a_watched_folder_answers_and_ends_at_once(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--workers", "1", *settings(tmp_path, RULES)).start()
    (tmp_path / "in/even").mkdir()
    (tmp_path / "in/even/1.dcm").write_bytes(make_dicom())
    server.wait_for(lambda: not files(tmp_path / "in"))
    assert server.counts() == (1, 1, 1, 1)
    [patient] = server.get("/patients?expand").json
    assert patient["MainDicomTags"]["PatientName"] == "Anonymized1"
    assert server.stop() == 0


@pytest.mark.slow
def test_a_start_deletes_what_was_set_aside_long_ago(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--workers", "1", *settings(tmp_path, RULES)).start()
    assert server.stop() == 0
    old = tmp_path / "data/rejected" / f"{1:032x}"
    old.write_bytes(b"bad")
    os.utime(old, (1, 1))
    assert server.start().stop() == 0
    assert not old.exists()
    assert "1 file that arrived and could not be taken" in server.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "incoming", "said"),
    [
        (RULES, "data", "not apart"),
        (RULES, "research", "not apart"),
        ({"a/": {"Anonymize": {"Keeep": []}}}, "in", "has no Keeep"),
        ({"/a": {"Anonymize": {}}}, "in", "no name begins with"),
    ],
)
def test_what_means_nothing_ends_the_start_with_one_line(
    tmp_path: Path, rules: object, incoming: str, said: str
) -> None:
    options = [*settings(tmp_path, rules)[:2], "--incoming", str(tmp_path / incoming)]
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path / "data"), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def content(number: int) -> bytes:
    """Return what arrives: of ten files one is bad, and another one an archive with a bad member."""
    if number % 10 == 9:
        return b"nothing %d" % number
    image = make_dicom(f"P{number % 5}", number % 5, 1, number)
    if number % 10 == 8:
        return zipped({"a": image, "b": b"bad %d" % number})
    return image


def bring(path: Path, whole: bytes, draw: random.Random) -> None:
    """Let a file arrive: renamed, or written where it is, bit by bit."""
    if draw.random() < 0.5:
        path.with_suffix(".part").write_bytes(whole)
        path.with_suffix(".part").rename(path)
        return
    with path.open("wb", buffering=0) as stream:
        for start in range(0, len(whole), len(whole) // 3 + 1):
            stream.write(whole[start : start + len(whole) // 3 + 1])
            time.sleep(draw.uniform(0, 0.02))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_files_that_arrive_while_the_server_is_killed_twice_end_exactly_once(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - the same at every run
    options = settings(tmp_path, RULES, ArrivalStableAge=0)
    server = Server(tmp_path / "data", "--workers", "1", *options).start()
    kinds = ("even", "odd", "out")
    kills = set(draw.sample(range(20, 180), 2))
    for number in draw.sample(range(200), 200):
        folder = tmp_path / "in" / kinds[number % 3] / f"Doe^Jane {number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        bring(folder / str(number), content(number), draw)
        if number in kills:
            server.kill_group()
            server.start()
    server.wait_for(lambda: not files(tmp_path / "in"))
    good = [number for number in range(200) if number % 10 != 9]
    stored = [number for number in good if number % 3 != 2]
    studies = len({(number % 5, number % 3) for number in stored})
    assert server.counts() == (studies, studies, studies, len(stored))
    assert len(files(tmp_path / "data/objects/instances")) == len(stored)
    exported = [dcmread(path) for path in files(tmp_path / "research") if path.suffix == ".dcm"]
    assert len(exported) == len(good) - len(stored)
    assert len({image.StudyInstanceUID for image in exported}) == 5
    assert not [path for path in files(tmp_path / "research") if b"Doe" in path.read_bytes()]
    bad = [content(number) for number in range(200) if number % 10 == 9]
    members = [b"bad %d" % number for number in range(200) if number % 10 == 8]
    assert rejects(tmp_path / "data") == sorted(bad + members)
    assert server.stop() == 0
    assert "Doe" not in server.log.read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, of what is odd in its own files
def test_a_folder_of_real_files_comes_out_anonymized(make_server: Callable[..., Any], tmp_path: Path) -> None:
    rules = {"": {"Anonymize": {}, "To": "research"}}
    server = make_server(*settings(tmp_path, rules, ArrivalStableAge=1))
    real = get_testdata_file("CT_small.dcm")
    assert isinstance(real, str)
    shutil.copytree(Path(real).parent, tmp_path / "in/real")
    brought = len(files(tmp_path / "in/real"))
    server.wait_for(lambda: not [path for path in files(tmp_path / "in") if not path.name.startswith(".")])
    products = [path for path in files(tmp_path / "research") if path.suffix == ".dcm"]
    assert len(products) > 50
    assert server.counts() == (0, 0, 0, 0)
    for path in products:
        product = dcmread(path)
        assert product.PatientIdentityRemoved == "YES"
        assert product.PatientName == "Anonymized1"
    assert len(rejects(tmp_path / "data")) < brought / 2


@pytest.mark.slow
def test_a_server_that_is_stopped_amid_many_files_ends_promptly_and_goes_on_at_the_next_start(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path / "data", "--workers", "1", *settings(tmp_path, {"": {"Anonymize": {}}})).start()
    members = {str(number): make_dicom(instance=number) for number in range(500)}
    (tmp_path / "in/all.zip").write_bytes(zipped(members))
    server.wait_for(lambda: server.counts()[3] > 5)
    assert server.stop(signal.SIGTERM) == 0
    assert [path.name for path in files(tmp_path / "in")] == ["all.zip"]
    server.start()
    server.wait_for(lambda: not files(tmp_path / "in"))
    assert server.counts() == (1, 1, 1, 500)
    assert rejects(tmp_path / "data") == []
    assert server.stop() == 0
