"""What the server makes is its user's own, and products leave only for folders that are apart."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.embedded.backend import embedded_backend
from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.settings import parse_settings
from local.target_folders import TargetFolderError, with_target_folders
from tests.support.idle_runner import IdleRunner

ROOT = Path(__file__).resolve().parents[2]


def modes(folder: Path) -> set[int]:
    """Return what others may do with a folder and all in it."""
    return {stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in (folder, *folder.rglob("*"))}


def test_nobody_else_may_look_into_what_is_made(
    tmp_path: Path, make_server: Callable[..., Any], study: list[Path]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Targets": {"out": str(tmp_path / "new" / "out")}}))
    before = os.umask(0)
    try:
        server = make_server("--settings", str(settings))
    finally:
        os.umask(before)
    stored = server.upload(study[0])
    answer = server.post(f"/studies/{stored['ParentStudy']}/anonymize", {"Target": "out"})
    assert answer.json["InstancesCount"] == 1
    assert modes(server.data) == {0}
    assert modes(tmp_path / "new" / "out") == {0}
    assert len(list((tmp_path / "new" / "out").rglob("*.dcm"))) == 1
    assert "may enter" not in server.log.read_text()


@pytest.mark.parametrize(
    ("mode", "folders"), [("0600", 0o700), ("0640", 0o750), ("660", 0o770), ("0644", 0o755)]
)
def test_products_in_a_target_may_be_read_by_whom_its_mode_names(
    tmp_path: Path, mode: str, folders: int
) -> None:
    data, out = tmp_path / "data", tmp_path / "new" / "out"
    data.mkdir()
    (tmp_path / "there").mkdir(mode=0o711)
    before = os.umask(0o077)
    try:
        places: dict[str, Any] = {"new": str(out), "old": str(tmp_path / "there")}
        settings = parse_settings(with_target_folders({"Targets": places, "TargetMode": mode}, data))
        backend = embedded_backend(data, settings, epoch=None, runner=IdleRunner())
        (tmp_path / "spooled").write_bytes(b"x")
        for name in places:
            store = backend.targets[name].store
            store.put("a/b/1.dcm", b"x")
            store.put_script("a/c/2.dcm", BufferSource(b"xyz"), EditScript.of([(0, 2)]))
            store.put_file("a/d/3.dcm", str(tmp_path / "spooled"))
            (tmp_path / "spooled").unlink()
            (tmp_path / "spooled").write_bytes(b"y")
    finally:
        os.umask(before)
    for place in (out, tmp_path / "there"):
        files = [path for path in (place / "a").rglob("*") if path.is_file()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {int(mode, 8)}
        assert len(files) == 3
        inner = [place / "a", *(path for path in (place / "a").rglob("*") if path.is_dir())]
        assert {stat.S_IMODE(path.stat().st_mode) for path in inner} == {folders}
        assert stat.S_IMODE((place / ".dicomorph").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (out, out.parent)} == {folders}
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o711
    for store in (backend.objects, *(target.store for target in backend.targets.values())):
        assert isinstance(store, FileStore)
        store.close()


def test_a_folder_that_others_may_enter_is_warned_about(
    tmp_path: Path, make_server: Callable[..., Any]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o750)
    server = make_server()
    assert f"other users of this machine may enter {tmp_path / 'data'}" in server.log.read_text()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("out", "out is not absolute"),
        ("./out", "is not absolute"),
        ("{data}", "are not apart"),
        ("{data}/objects", "are not apart"),
        ("{data}/../data/out", "are not apart"),
        ("{data}/..", "are not apart"),
        ("/", "are not apart"),
        ("{link}/out", "are not apart"),
        ("{file}", "cannot write to"),
        ("{file}/out", "cannot write to"),
        ("/proc/out", "cannot write to"),
    ],
)
def test_a_target_is_a_folder_apart_that_takes_files(tmp_path: Path, place: str, said: str) -> None:
    data = (tmp_path / "data").resolve()
    data.mkdir()
    (tmp_path / "link").symlink_to(data)
    (tmp_path / "file").touch()
    place = place.format(data=data, link=tmp_path / "link", file=tmp_path / "file")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TargetFolderError, match=said):
        with_target_folders({"Targets": {"research": place}}, data)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_home_of_the_user_may_hold_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found: Any = with_target_folders({"Targets": {"research": "~/out"}}, tmp_path / "data")
    assert found["Targets"] == {"research": str(tmp_path.resolve() / "out")}
    assert list((tmp_path / "out").iterdir()) == []


def test_a_target_that_cannot_be_is_said_in_one_line(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Targets": {"research": "out"}}))
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [*command, "--settings", str(settings)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "Target research: out is not absolute\n")


def test_as_many_files_are_opened_as_the_system_allows(tmp_path: Path) -> None:
    command = f"ulimit -Sn 256; exec {sys.executable} -m local --port 0 --data '{tmp_path}'"
    with subprocess.Popen(["bash", "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        server.terminate()
    assert soft == hard == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
