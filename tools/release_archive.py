"""Pack what `make build` made, for `sam deploy` to deploy:  python -m tools.release_archive FOLDER.

The archive has the folders of the repository, because the built template refers to functions and workflow by
their place beside it. The same build gives the same bytes: names in order, neither times nor owners,
and modes that no umask changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from dicomorph import __version__
from local.template import read_template
from tools.built_stack import BUILD, read_build

# What a person needs beside the build: how it is deployed, and under which terms.
_BESIDE = ("samconfig.toml", "CHANGELOG.md", "LICENSE")


def main(folder: str) -> None:
    """Write the archive of this version into a folder, and print its name."""
    target = Path(folder) / f"dicomorph-{__version__}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    pack(Path(), target)
    print(target)


def pack(root: Path, target: Path) -> None:
    """Write an archive of what is deployed.

    Parameters
    ----------
    root : Path
        The checkout that was built.
    target : Path
        The archive; its name without the ending is the folder that it unpacks to.

    Raises
    ------
    SystemExit
        If nothing was built.
    """
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for path in sorted(set(_deployed(root.resolve()))):
            name = path.relative_to(root.resolve()).as_posix()
            member = ZipInfo(f"{target.stem}/{name}")
            member.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            member.compress_type = ZIP_DEFLATED
            archive.writestr(member, path.read_bytes())


def _deployed(root: Path) -> Iterator[Path]:
    """Yield the files of the build, and what the built template refers to."""
    build = root / BUILD
    folders = [
        layer for function in read_build(build) for layer in (function.code, *function.layers.values())
    ]
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())
    for resource in read_template(build / "template.yaml")["Resources"].values():
        if definition := resource.get("Properties", {}).get("DefinitionUri"):
            yield (build / definition).resolve()
    yield build / "template.yaml"
    yield from (root / name for name in _BESIDE)


if __name__ == "__main__":
    main(*sys.argv[1:])
