"""A real file system in an image, whose power is cut: what the kernel had not written yet is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

SYSTEMS = ("ext4", "xfs", "btrfs")
"""What is tried. An fsync brings all before it to the disk in the first two; in btrfs only what it names."""

SIZE = 320 << 20
"""Bytes of the disk. It lies in a second image, of XFS, which copies a file in one moment."""


class CannotMountError(Exception):
    """This machine lets nobody mount a disk image, such as within some containers."""


def lacks(system: str) -> str:
    """Return why no power of a file system can be cut on this machine, empty if it can."""
    if os.geteuid() != 0:
        return "only root may mount a disk image"
    needed = (f"mkfs.{system}", "mkfs.xfs", "mount", "umount")
    missing = [name for name in needed if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    found = subprocess.run(["losetup", "--find"], capture_output=True, check=False)
    return "" if found.returncode == 0 else "there is no loop device"


class DiskImage:
    """A disk below a folder.

    Attributes
    ----------
    root : Path
        Where it is mounted.
    """

    def __init__(self, folder: Path, system: str) -> None:
        self.root = folder / "disk"
        self._shelf = folder / "shelf"
        self._image = self._shelf / "disk.img"
        self._copy = self._shelf / "cut.img"
        outer = folder / "shelf.img"
        for path in (self.root, self._shelf):
            path.mkdir()
        _make(outer, 1 << 30)
        _run("mkfs.xfs", "-q", "-m", "reflink=1", str(outer))
        mounted = subprocess.run(
            ["mount", "-o", "loop", str(outer), str(self._shelf)], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            raise CannotMountError(mounted.stderr.strip())
        _make(self._image, SIZE)
        _run(f"mkfs.{system}", "-q", str(self._image))
        self.start()

    def start(self) -> None:
        """Mount the disk; the file system recovers what it can."""
        _run("mount", "-o", "loop", str(self._image), str(self.root))

    def copy(self) -> None:
        """Keep the disk as it is at this moment, without what the kernel has not written to it."""
        _run("cp", "--reflink=always", str(self._image), str(self._copy))

    def put_back(self) -> None:
        """Let the disk be what was kept of it, as after a power cut at that moment."""
        _unmount(self.root)
        self._copy.rename(self._image)
        self.start()

    def remove(self) -> None:
        for path in (self.root, self._shelf):
            subprocess.run(["umount", "--lazy", str(path)], capture_output=True, check=False)


def _unmount(root: Path) -> None:
    """Wait for processes that were killed while they waited for the disk."""
    for _ in range(200):
        if subprocess.run(["umount", str(root)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.05)
    _run("umount", str(root))


def _make(image: Path, size: int) -> None:
    image.touch()
    os.truncate(image, size)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
