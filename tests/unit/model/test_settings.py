"""The settings of a deployment, by Orthanc's names."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.dicom.standard.transfer_syntaxes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    HTJ2K,
    HTJ2K_LOSSLESS,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LS_LOSSLESS,
    JPEG_LS_NEAR_LOSSLESS,
    RLE_LOSSLESS,
)
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import OverwriteInstances, PrivateTag, Settings, parse_settings
from dicomorph.services.server.check_settings import check_settings, waiting_settings

SIZES = ("MaximumStorageSize", "MinimumFreeSpace", "MaximumBodySize", "MaximumInflatedSize")
LOSSY = (JPEG_BASELINE, JPEG_EXTENDED, JPEG_LS_NEAR_LOSSLESS, JPEG_2000, HTJ2K)
MPEG4 = "1.2.840.10008.1.2.4.102"


def test_nothing_given_is_orthancs_default() -> None:
    assert parse_settings({}) == Settings()


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, OverwriteInstances.ALWAYS),
        (False, OverwriteInstances.NEVER),
        ("Always", OverwriteInstances.ALWAYS),
        ("Never", OverwriteInstances.NEVER),
        ("IfChanged", OverwriteInstances.IF_CHANGED),
    ],
)
def test_overwriting_has_an_older_form(value: object, meant: OverwriteInstances) -> None:
    assert parse_settings({"OverwriteInstances": value}).overwrite_instances is meant


def test_a_dictionary_names_private_tags() -> None:
    settings = parse_settings({"Dictionary": {"4321,1012": ["LO", "RadioButton3", 1, 1, "RadioLogic"]}})
    assert settings.dictionary == (PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic"),)


def test_an_unknown_name_is_refused_and_the_known_ones_listed() -> None:
    with pytest.raises(BadFileFormatError, match=r"Overwrite\. Known settings: .*OverwriteInstances"):
        parse_settings({"Overwrite": True})


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"OverwriteInstances": 1},
        {"OverwriteInstances": "Sometimes"},
        {"UnencodableText": "Ignore"},
        {"StableAge": -1},
        {"StableAge": True},
        {"SyncStorageArea": 1},
        {"JobsHistorySize": "10"},
        {"CheckRevisions": "true"},
        {"DefaultEncoding": 1},
        {"UserMetadata": {"mine": 5}},
        {"UserMetadata": []},
        {"Dictionary": {"4321": ["LO", "x"]}},
        {"Dictionary": {"4321,1012": []}},
        {"Dictionary": {"4321,1012": [1, "x"]}},
        {"IngestTranscoding": None},
        *({"DicomLossyTranscodingQuality": value} for value in (0, 101, -1, 90.5, "90", True, None)),
        {"AllowLists": ["mine"]},
        *({"RefuseBurnedIn": value} for value in ("true", 1, None)),
        {"MaximumStorageMode": "Recycle"},
        {"MaximumStorageMode": None},
        *({name: value} for name in SIZES for value in (-1, 1.5, "5", True, None)),
        *({"TargetMode": mode} for mode in (640, "0400", "0777", "0666 ", "0646", "0604x", "", "0500", None)),
    ],
)
def test_wrong_values_are_refused(document: Any) -> None:
    with pytest.raises(BadFileFormatError):
        parse_settings(document)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        *(({"DefaultDicomVersion": edition}, "2023b, .*2026d") for edition in ("2019", "2026", "2026D")),
        ({"DefaultEncoding": "Latin9"}, "Latin1"),
        ({"Dictionary": {"4321,1012": ["XX", "x"]}}, "4321,1012"),
        *(({"IngestTranscoding": uid}, "IngestTranscoding") for uid in LOSSY),
        *(({"IngestTranscoding": uid}, "IngestTranscoding") for uid in ("nope", MPEG4, f"{RLE_LOSSLESS} ")),
    ],
)
def test_values_that_mean_nothing_are_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(BadFileFormatError, match=said):
        check_settings(parse_settings(document))


@pytest.mark.parametrize("uid", [EXPLICIT_VR_LITTLE_ENDIAN, RLE_LOSSLESS, JPEG_LS_LOSSLESS, HTJ2K_LOSSLESS])
def test_uploads_may_be_kept_in_what_loses_nothing(uid: str) -> None:
    assert check_settings(parse_settings({"IngestTranscoding": uid})).ingest_transcoding == uid


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, []),
        ({"LimitFindInstances": 0, "CaseSensitivePN": False, "StableAge": 1}, []),
        ({"LimitFindInstances": 20}, ["LimitFindInstances"]),
        ({"CaseSensitivePN": True, "LimitFindResults": 10}, ["LimitFindResults", "CaseSensitivePN"]),
    ],
)
def test_what_does_nothing_yet_is_named_where_it_was_set(document: dict[str, Any], named: list[str]) -> None:
    said = waiting_settings(parse_settings(document))
    assert said.rpartition(": ")[2] == ", ".join(named)


@pytest.mark.parametrize(
    ("overwrite", "held", "new", "stays"),
    [
        (OverwriteInstances.NEVER, "a", "b", True),
        (OverwriteInstances.ALWAYS, "a", "a", False),
        (OverwriteInstances.IF_CHANGED, "a", "a", True),
        (OverwriteInstances.IF_CHANGED, "a", "b", False),
        (OverwriteInstances.IF_CHANGED, "", "b", False),
        (OverwriteInstances.IF_CHANGED, "a", "", False),
        (OverwriteInstances.IF_CHANGED, "", "", False),
    ],
)
def test_whether_a_stored_instance_stays(
    overwrite: OverwriteInstances, held: str, new: str, *, stays: bool
) -> None:
    assert overwrite.keeps(held, new) is stays
