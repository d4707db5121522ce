"""What Orthanc's reader takes and refuses."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.http.reading import json_body
from dicomorph.http.reading.json_body import MAXIMUM_DEPTH, parse_json
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,}', {"a": 1}),
        ('{"a":[1,2 , ] ,\n}', {"a": [1, 2]}),
        ('/* why */ {"a": /**/ 1} // end', {"a": 1}),
        ('{"a":1, // trailing\n}', {"a": 1}),
        ('{"a":1,"a":2}', {"a": 2}),
        ('{"a":"/* no comment */, // nor here",}', {"a": "/* no comment */, // nor here"}),
        ('{"a":"\\",}",}', {"a": '",}'}),
        ('{"a":"line\nbreak"}', {"a": "line\nbreak"}),
        ('\ufeff{"a":"é"}', {"a": "é"}),
        ('{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (" [] ", []),
        ("null", None),
    ],
)
def test_what_orthanc_reads_is_read(text: str, value: Json) -> None:
    assert parse_json(text.encode()) == value


def test_keys_come_in_the_order_in_which_orthanc_goes_through_them() -> None:
    value = parse_json(b'{"b":1,"a":{"y":1,"x":2,"y":3},"0010,0010":2}')
    assert json.dumps(value) == '{"0010,0010": 2, "a": {"x": 2, "y": 3}, "b": 1}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "nope",
        "{",
        '{"Replace": ',
        "{'a':1}",
        "{a:1}",
        "[,]",
        "{,}",
        "[1,,]",
        "[1,,2]",
        "NaN",
        '{"a":Infinity}',
        '{"a":-Infinity}',
        "1e999",
        "9" * 5000,
        '{"a":1} trailing',
        "/* open",
        '{"a":1 /* open }',
        '{"a":"open}',
        '"\\ud800"',
        '{"\\udc00":1}',
        '"\\x"',
        "//",
        "/",
    ],
)
def test_what_is_no_json_is_a_bad_file_format(text: str) -> None:
    with pytest.raises(BadFileFormatError):
        parse_json(text.encode())


def test_bytes_that_are_not_utf8_are_refused_without_being_repeated() -> None:
    with pytest.raises(BadFileFormatError) as caught:
        parse_json(b'{"PatientName":"Zdesi\xe6"}')
    assert "Zdesi" not in caught.value.details
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("unit", ["[", '{"a":', "[{", '[{"a":'])
def test_nesting_of_ten_thousand_levels_is_refused(unit: str) -> None:
    with pytest.raises(BadFileFormatError):
        parse_json((unit * 10_000).encode())


def test_nesting_up_to_the_limit_is_read_and_closed_brackets_do_not_count() -> None:
    assert parse_json(b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH)
    assert parse_json(b"[" + b",".join([b"[]"] * 2000) + b"]")
    assert parse_json(json.dumps(["["] * 2000).encode())
    with pytest.raises(BadFileFormatError):
        parse_json(b"[" * (MAXIMUM_DEPTH + 1) + b"]" * (MAXIMUM_DEPTH + 1))


@pytest.mark.parametrize("unit", ["1,", "[],", "{},", '"a",', "1 , ", "1,/**/"])
def test_more_values_than_memory_has_room_for_are_refused(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_body, "MAXIMUM_VALUES", 1000)
    assert parse_json(f"[{unit * 450}1]".encode())
    with pytest.raises(BadFileFormatError):
        parse_json(f"[{unit * 1001}1]".encode())


def test_what_stands_in_strings_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_body, "MAXIMUM_VALUES", 1000)
    assert parse_json(json.dumps({"a": ",[" * 2000, "b": '\\,",' * 2000}).encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_than_utf8_are_refused(encoding: str) -> None:
    with pytest.raises(BadFileFormatError):
        parse_json('{"Replace": {"PatientName": "é"}}'.encode(encoding))


@pytest.mark.parametrize("unit", ["/*", '"\\"', ", ", "/", "[ ,", '\\"', "//\n"])
def test_a_megabyte_of_anything_ends(unit: str) -> None:
    # Quadratic work would run into the time limit of the test.
    with pytest.raises(BadFileFormatError):
        parse_json((unit * (1_000_000 // len(unit))).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_plain_json_is_read_as_the_standard_library_reads_it(value: Json) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert parse_json(text.encode()) == json.loads(text)


@given(JSON)
def test_comments_and_trailing_commas_change_nothing(value: Json) -> None:
    text = "/* [ */" + json.dumps([value, value], ensure_ascii=False)[:-1] + ", // end\n] /**/"
    assert parse_json(text.encode()) == [value, value]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadFileFormatError):
        assert json.dumps(parse_json(data)) is not None
