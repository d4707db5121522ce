"""What every object store does."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dicomorph.dicom.stream.edit_script import EditScript, ScriptPart
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.masked_range import BitMask, MaskedRange
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.embedded.objects.composed_links import composition_in
from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.objects import ObjectStore

KEY = "instances/ab/abcd-ef/1.dcm"
MIB = 1 << 20


def content(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - the same at every run


def read(store: ObjectStore, ref: ObjectRef) -> bytes:
    with closing(store.open(ref)) as source:
        return source.read(0, source.size)


def fetched(store: ObjectStore, url: str) -> bytes:
    """Return what a client gets from a link."""
    found = urlsplit(url)
    place = composition_in(found.query)
    data = store.get(re.sub(r".*(?=results/)", "", unquote(found.path)))
    assert data is not None
    if place is None:
        return data
    original = store.get(place.key)
    assert original is not None
    return data[: place.at] + original[place.start : place.stop] + data[place.at :]


ANSWERS: dict[str, list[ScriptPart]] = {
    "short": [b"header", (5, 1000)],
    "a long range": [b"header", (5, 17 * MIB), b"tail"],
    "more than one range": [b"header", (0, 7), (99, 17 * MIB), (3, 4), b"tail"],
    "two long ranges": [(0, 16 * MIB), b"amid", (0, 16 * MIB)],
    "much around": [b"h" * (2 * MIB), (0, 16 * MIB)],
}


@pytest.mark.parametrize("parts", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_what_the_script_makes(store: ObjectStore, parts: list[ScriptPart]) -> None:
    data, script = bytes(range(256)) * (17 * MIB // 256), EditScript.of(parts)
    source = store.put(KEY, data)
    with closing(store.open(source)) as opened:
        url = store.put_answer("results/7f01.dcm", source, script, opened=opened, file_name="7f01.dcm")
    assert fetched(store, url) == script.join(BufferSource(data))


@pytest.mark.parametrize("size", [0, 1, 70_000, MIB, MIB + 1, 3 * MIB])
def test_what_was_put_can_be_read(store: ObjectStore, size: int) -> None:
    data = content(size)
    ref = store.put(KEY, data)
    assert (ref.key, ref.size) == (KEY, size)
    assert read(store, ref) == data
    assert store.get(KEY) == data


def test_putting_again_is_harmless(store: ObjectStore) -> None:
    first = store.put(KEY, b"bytes")
    second = store.put(KEY, b"bytes")
    assert read(store, first) == read(store, second) == store.get(KEY) == b"bytes"
    assert list(store.keys("")) == [KEY]


def test_the_newest_document_is_got(store: ObjectStore) -> None:
    store.put("jobs/1/state.json", b"1")
    store.put("jobs/1/state.json", b"2")
    assert store.get("jobs/1/state.json") == b"2"


def test_what_is_not_there_is_unknown(store: ObjectStore) -> None:
    nothing = ObjectRef(KEY, "", 5)
    assert store.get(KEY) is None
    with pytest.raises(UnknownResourceError):
        store.open(nothing)
    with pytest.raises(UnknownResourceError):
        store.put_edited("instances/ab/new.dcm", nothing, EditScript.of([(0, 5)]))
    with pytest.raises(UnknownResourceError):
        store.put_edited("instances/ab/new.dcm", ObjectRef(KEY, "", 9 * MIB), EditScript.of([(0, 9 * MIB)]))
    assert list(store.keys("")) == []


@pytest.mark.parametrize("size", [100_000, 5 * MIB])
def test_a_source_answers_at_any_position(store: ObjectStore, size: int) -> None:
    data = content(size)
    source = store.open(store.put(KEY, data))
    assert source.size == size
    draw = random.Random(1)  # noqa: S311 - as above
    at = 0
    with closing(source):
        for _ in range(60):
            at = draw.choice([at + draw.randrange(5000), draw.randrange(size), 0, size - 5])
            length = draw.choice([1, 20, 5000, 100_000, MIB])
            buffer, start = source.window(at, length)
            stop = min(at + length, size)
            assert start <= at
            assert buffer[at - start : stop - start] == data[at:stop]
            assert source.read(at, at + length) == data[at : at + length]


@pytest.mark.parametrize("size", [0, 10, 3 * MIB, 17 * MIB])
def test_a_file_is_stored(store: ObjectStore, tmp_path: Path, size: int) -> None:
    file = tmp_path / "upload"
    file.write_bytes(content(size))
    ref = store.put_file(KEY, str(file))
    assert ref.size == size
    assert read(store, ref) == file.read_bytes()


SCRIPTS: dict[str, list[ScriptPart]] = {
    "nothing": [],
    "new bytes only": [b"DICM", b"", b"x"],
    "the original": [(0, 5 * MIB)],
    "a header and the rest": [b"new header", (300, 5 * MIB)],
    "many short pieces": [b"ab" if n % 2 else (n * 10, n * 10 + 7) for n in range(3000)],
    "an empty range": [(5, 5), b"x", (7, 7)],
    "backwards": [(4 * MIB, 5 * MIB), (0, 3 * MIB), b"end"],
    "more than a part": [(0, 5 * MIB), b"and", (0, 5 * MIB), b"y" * (9 * MIB), (1, 2)],
    "a range that is masked": [
        b"pixels",
        MaskedRange(7, 4 * MIB, BitMask(2, "little", 0x0FFF, 0x0800)),
        b"!",
    ],
    "bytes that lie elsewhere": [b"head", KeptPart(BufferSource(bytes(range(256)) * 40_000)), (3, 9)],
    "exactly two parts": [(0, 5 * MIB), (0, 5 * MIB), (0, 5 * MIB), (0, MIB)],
}


@pytest.mark.parametrize("parts", SCRIPTS.values(), ids=SCRIPTS)
def test_an_edit_script_is_executed(store: ObjectStore, parts: list[ScriptPart]) -> None:
    data = content(5 * MIB)
    script = EditScript.of(parts)
    ref = store.put_edited("instances/ff/2.dcm", store.put(KEY, data), script)
    assert ref.size == script.size
    assert read(store, ref) == script.join(BufferSource(data))
    exported = store.put_script("instances/ff/3.dcm", BufferSource(data), script)
    assert read(store, exported) == read(store, ref)


def test_discarded_objects_are_gone(store: ObjectStore) -> None:
    refs = [store.put(f"instances/ab/{n}/1.dcm", b"x") for n in range(3)]
    store.discard(refs[:2], pinned=False)
    store.discard(refs[:2], pinned=False)
    store.discard([ObjectRef("instances/cd/unknown.dcm", "", 1)], pinned=True)
    assert list(store.keys("instances/")) == [refs[2].key]
    assert store.get(refs[0].key) is None


def test_a_pinned_object_outlives_its_deletion(store: ObjectStore) -> None:
    data = content(2 * MIB)
    ref = store.put(KEY, data)
    store.discard([ref], pinned=True)
    store.discard([ref], pinned=True)
    assert list(store.keys("")) == []
    assert store.get(KEY) is None
    assert read(store, ref) == data
    product = store.put_edited("instances/ff/2.dcm", ref, EditScript.of([(1, 2 * MIB)]))
    assert read(store, product) == data[1:]
    store.discard([ref], pinned=False)
    assert read(store, product) == data[1:]


def test_a_source_that_is_open_outlives_everything(store: ObjectStore) -> None:
    data = content(2 * MIB)
    ref = store.put(KEY, data)
    with closing(store.open(ref)) as source:
        store.discard([ref], pinned=True)
        store.discard([ref], pinned=False)
        assert source.read(0, source.size) == data


def test_keys_are_in_ascending_order(store: ObjectStore) -> None:
    keys = ["a", "b/c", "b-c", "b.c/d", "b/-", "b/c-d/e", "b/c.d", "bc/1", "instances/00/x/1.dcm"]
    for key in keys:
        store.put(key, b"")
    assert list(store.keys("")) == sorted(keys)
    assert list(store.keys("b")) == sorted(key for key in keys if key.startswith("b"))
    assert list(store.keys("b/c")) == ["b/c", "b/c-d/e", "b/c.d"]
    assert list(store.keys("b/")) == ["b/-", "b/c", "b/c-d/e", "b/c.d"]
    assert list(store.keys("nothing/here")) == []


@pytest.mark.slow
def test_thousands_of_objects_are_listed_and_discarded(store: ObjectStore) -> None:
    refs = [store.put(f"jobs/1/outcomes/{n:06}.json", b"{}") for n in range(2001)]
    assert list(store.keys("jobs/1/")) == [ref.key for ref in refs]
    store.discard(refs, pinned=False)
    assert list(store.keys("jobs/1/")) == []


def test_threads_do_not_take_folders_from_one_another(store: ObjectStore) -> None:
    def work(worker: int) -> None:
        for turn in range(25):
            key = f"instances/ab/shared/{worker}-{turn}.dcm"
            ref = store.put(key, key.encode())
            assert read(store, ref) == key.encode()
            store.discard([ref], pinned=bool(turn % 2))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list(store.keys("")) == []


def test_threads_may_store_the_same(store: ObjectStore) -> None:
    data = content(100_000)
    with ThreadPoolExecutor(4) as pool:
        refs = list(pool.map(lambda _: store.put(KEY, data), range(12)))
    assert all(read(store, ref) == data for ref in refs)
    assert list(store.keys("")) == [KEY]
