"""What the oracle declares where text beyond ASCII would stand undeclared (PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tests.compat.data_sets import Tree, dictionary_vr, read_file
from tests.compat.oracle_request import tag_of

CHARACTER_SET = 0x00080005
TEXTS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
DEFAULT, UTF8 = "ISO_IR 100", "ISO_IR 192"  # the default of the settings is Latin-1
Body: TypeAlias = dict[str, Any]


def declared(body: Body, data: bytes, apply: Callable[[Body], bytes]) -> bytes:
    """Return what a request makes of a file, with what it has to declare.

    Parameters
    ----------
    apply : Callable[[Body], bytes]
        Does what a request says, and no more.
    """
    names = [name for part in ("Remove", "Replace") for name in body.get(part, [])]
    named = [name for name in names if "[" not in name and tag_of(name) == CHARACTER_SET]
    removes = any(not body.get("Replace", {}).get(name) for name in named)
    is_declared = _is_declared(read_file(data).tree)
    if not removes and (named or is_declared):
        return apply(body)
    ascii_only = json.loads(json.dumps(body, ensure_ascii=False).encode("ascii", "ignore"))
    bare = apply(ascii_only)
    existing = b"".join(_texts(read_file(bare).tree))
    is_ascii = existing.isascii() and b"\x1b" not in existing
    if removes and is_declared and not is_ascii:
        return apply(_without(body, named))
    if apply(_with(ascii_only, named, UTF8)) == apply(_with(body, named, UTF8)):
        return apply(body)
    if re.search(rb"[\x80-\x9f]", existing):
        raise ValueError("The text of the file is not Latin-1")
    return apply(_with(body, named, DEFAULT))


def _without(body: Body, names: list[str]) -> Body:
    rest = dict(body)
    if "Remove" in body:
        rest["Remove"] = [name for name in body["Remove"] if name not in names]
    if "Replace" in body:
        rest["Replace"] = {name: value for name, value in body["Replace"].items() if name not in names}
    return rest


def _with(body: Body, names: list[str], term: str) -> Body:
    rest = _without(body, names)
    return {**rest, "Replace": {**rest.get("Replace", {}), "SpecificCharacterSet": term}}


def _is_declared(tree: Tree) -> bool:
    return CHARACTER_SET in tree and bool(tree[CHARACTER_SET].value.strip(b" \0\\"))


def _texts(tree: Tree) -> Iterator[bytes]:
    for tag, node in tree.items():
        vr = dictionary_vr(tag) if node.vr == "UN" else node.vr
        if vr in TEXTS and node.items is None:
            yield node.value
        for item in node.items or []:
            if not _is_declared(item):
                yield from _texts(item)
