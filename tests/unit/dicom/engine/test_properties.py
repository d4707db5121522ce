"""What holds for any data set and any request."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.edit_script import EditedSource
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.resources import Level
from tests.compat.data_sets import Tree, read_file, rows
from tests.compat.oracle import Oracle
from tests.compat.oracle_rules import Fate, Path, Rules, matches
from tests.compat.plans import Request
from tests.compat.strategies import CHARSET, NUMBERS, SYNTAXES, UIDS, Case, cases, elements
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element, encode
from tests.support.edits import KEY, NAME, WindowedSource, edited, rewriter

Places: TypeAlias = "dict[tuple[Path, int], bytes]"

IDENTIFIERS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
THOROUGH = pytest.mark.parametrize(
    "thorough", [False, pytest.param(True, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)


def engine_of(request: Request) -> Rewriter:
    return rewriter(request.body, anonymize=request.anonymize, level=Level(request.level))


def oracle_of(request: Request) -> Oracle:
    mapper = IdentityMapper(KEY)
    return Oracle(request.body, anonymize=request.anonymize, level=request.level, name=NAME, mapper=mapper)


def body_of(data: bytes) -> bytes:
    """Return a file with its data set inflated."""
    if DEFLATED.encode() not in data[:400]:
        return data
    length = int.from_bytes(data[140:144], "little")
    return data[: 144 + length] + zlib.decompressobj(-15).decompress(data[144 + length :])


def leaves(tree: Tree, path: Path = ()) -> Places:
    """Return the values by their places."""
    found: Places = {}
    for tag, node in tree.items():
        if node.items is None:
            found[path, tag] = node.value
        for index, item in enumerate(node.items or []):
            found |= leaves(item, (*path, (tag, index)))
    return found


def is_left_alone(case: Case, rules: Rules, element: Element, path: Path = ()) -> bool:
    """Tell whether a request changes nothing in an element, by the oracle's rules."""
    request = oracle_of(case.request).request
    tag = element.tag
    written = tag in request.replace.keys() | request.marks.keys() if not path else False
    named = [*request.remove_paths, *request.replace_paths]
    if written or rules.fate(path, tag) is not Fate.KEPT or any(matches(at, path, tag) for at in named):
        return False
    if not isinstance(element.value, list):
        return True
    # A path may insert into any item that it leads to.
    items = [(*path, (tag, index)) for index in range(len(element.value))]
    if any(matches((parents, last), item, last) for parents, last in request.replace_paths for item in items):
        return False
    inner = zip(items, element.value, strict=True)
    return all(is_left_alone(case, rules, each, item) for item, body in inner for each in body)


@THOROUGH
@given(case=cases(), syntax=SYNTAXES)
def test_what_is_left_alone_stays_byte_by_byte(thorough: bool, case: Case, syntax: str) -> None:  # noqa: FBT001
    output = body_of(edited(case.file(syntax), engine_of(case.request)))
    rules, at = oracle_of(case.request).rules, 0
    for element in case.body:
        if is_left_alone(case, rules, element):
            at = output.find(encode([element], syntax, case.codec), at)
            assert at > 0, f"{element.tag:08x}"


def with_tokens(body: list[Element], numbers: Iterator[int]) -> list[Element]:
    """Return a data set whose texts are all different."""
    found = []
    for element in body:
        if isinstance(element.value, list):
            items = [with_tokens(item, numbers) for item in element.value]
            found.append(replace(element, value=items))
        elif element.tag == CHARSET or element.tag in NUMBERS:
            found.append(element)
        else:
            number = next(numbers)
            found.append(replace(element, value=f"1.{number}.1" if element.tag in UIDS else f"~{number}~"))
    return found


@THOROUGH
@given(case=cases(), syntax=SYNTAXES)
def test_removed_values_are_nowhere_and_kept_ones_are_there(
    thorough: bool,  # noqa: FBT001
    case: Case,
    syntax: str,
) -> None:
    case = Case(with_tokens(case.body, iter(range(10_000, 20_000))), case.request)
    data = case.file(syntax)
    output = body_of(edited(data, engine_of(case.request)))
    expected = leaves(read_file(oracle_of(case.request).apply(data)).tree)
    kept = {value.strip(b" \0") for value in expected.values()}
    for value in leaves(read_file(data).tree).values():
        token = value.strip(b" \0")
        if token[:3] in {b"~10", b"1.1"} and len(token) > 6:
            assert (token in output) is (token in kept), token


@THOROUGH
@given(case=cases(), syntax=SYNTAXES)
def test_keeping_identifiers_a_second_time_changes_nothing(
    thorough: bool,  # noqa: FBT001
    case: Case,
    syntax: str,
) -> None:
    body = {**case.request.body, "Force": True}
    body["Keep"] = [*body["Keep"], *IDENTIFIERS]
    engine = engine_of(Request(body, anonymize=False, level=case.request.level))
    once = edited(case.file(syntax), engine)
    assert edited(once, engine) == once


@THOROUGH
@given(case=cases(), syntax=SYNTAXES)
def test_anonymizing_a_second_time_changes_nothing_but_pseudonyms(
    thorough: bool,  # noqa: FBT001
    case: Case,
    syntax: str,
) -> None:
    request = case.request._replace(anonymize=True)
    engine, rules = engine_of(request), oracle_of(request).rules
    once = edited(case.file(syntax), engine)
    first, second = (leaves(read_file(data).tree) for data in (once, edited(once, engine)))
    assert first.keys() == second.keys()
    for place, value in first.items():
        assert value == second[place] or rules.fate(*place) is Fate.MAPPED, place


@THOROUGH
@given(bodies=st.lists(elements(), min_size=2, max_size=4), data=st.data())
def test_identifiers_are_mapped_one_to_one(
    thorough: bool,  # noqa: FBT001
    bodies: list[list[Element]],
    data: st.DataObject,
) -> None:
    """Same original and kind of identifier, same new one: in every file, encoding and depth."""
    request = Request({})
    engine, rules = engine_of(request), oracle_of(request).rules
    new: dict[tuple[Namespace, bytes], bytes] = {}
    for body in bodies:
        file = Case(body, request).file(data.draw(SYNTAXES))
        before = leaves(read_file(file).tree)
        for (path, tag), value in leaves(read_file(edited(file, engine)).tree).items():
            if rules.fate(path, tag) is not Fate.MAPPED or (path, tag) not in before:
                continue
            namespace = rules.namespace(path, tag)
            original = before[path, tag].strip(b" \0")
            # An empty one is nobody's; those beyond ASCII are one by their text, not by their bytes.
            if original and original.isascii():
                assert new.setdefault((namespace, original), value) == value
    assert len(set(new.values())) == len(new)


@THOROUGH
@given(case=cases())
def test_all_encodings_of_a_data_set_come_out_alike(thorough: bool, case: Case) -> None:  # noqa: FBT001
    body = [element for element in case.body if element.tag not in NUMBERS]  # bytes in another order
    case = Case(without_numbers(body), case.request)
    numbers = {f"{tag:08x}" for tag in NUMBERS}
    engine, found = engine_of(case.request), {}
    for syntax in (EXPLICIT, IMPLICIT, BIG, DEFLATED):
        tree = read_file(edited(case.file(syntax), engine)).tree
        # In implicit VR nothing tells an element of VR UN, or a private sequence without items.
        found[syntax] = [(at, value) for at, _, value in rows(tree) if at[-8:] not in numbers]
    assert found[IMPLICIT] == found[EXPLICIT]
    assert found[DEFLATED] == found[EXPLICIT]
    assert found[BIG] == found[EXPLICIT]


def without_numbers(body: list[Element]) -> list[Element]:
    return [
        replace(element, value=[without_numbers(item) for item in element.value])
        if isinstance(element.value, list)
        else element
        for element in body
        if element.tag not in NUMBERS
    ]


@THOROUGH
@given(case=cases(), syntax=SYNTAXES, window=st.integers(12, 300), surplus=st.integers(0, 9))
def test_the_size_of_the_window_does_not_matter(
    thorough: bool,  # noqa: FBT001
    case: Case,
    syntax: str,
    window: int,
    surplus: int,
) -> None:
    data, engine = case.file(syntax), engine_of(case.request)
    source = WindowedSource(data, surplus)
    with mock.patch.object(windows, "WINDOW", window):
        output = engine.rewrite(source).join(source)
    assert output == edited(data, engine)


@THOROUGH
@given(case=cases(), syntax=SYNTAXES, cuts=st.tuples(st.integers(0, 3000), st.integers(0, 3000)))
def test_a_script_reads_as_what_it_makes(
    thorough: bool,  # noqa: FBT001
    case: Case,
    syntax: str,
    cuts: tuple[int, int],
) -> None:
    source = BufferSource(case.file(syntax))
    script = engine_of(case.request).rewrite(source)
    output = script.join(source)
    assert script.size == len(output)
    assert b"".join(script.chunks(source)) == output
    start, stop = sorted(cuts)
    assert EditedSource(source, script).read(start, stop) == output[start:stop]
