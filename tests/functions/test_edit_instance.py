"""POST /instances/{id}/anonymize and /modify."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph.model.settings import PrivateTag, UnencodableText
from tests.support.api_client import Answer, Client


def _read(answer: Answer) -> Dataset:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/dicom"
    assert "content-disposition" not in answer.headers
    return pydicom.dcmread(io.BytesIO(answer.body))


def test_an_anonymized_copy_is_answered_and_nothing_is_stored(client: Client) -> None:
    path = client.upload(PatientBirthDate="19700101")["Path"]
    before = client.stored_files()
    copy = _read(client.post(f"{path}/anonymize", {}))
    assert copy.PatientName == "Anonymized1"
    assert copy.PatientID not in ("", "PAT")
    assert copy.PatientBirthDate == ""
    assert copy.StudyInstanceUID != "1.2.3.1"
    assert copy.SOPInstanceUID == copy.file_meta.MediaStorageSOPInstanceUID
    assert client.stored_files() == before
    assert client.get("/jobs").json == []
    assert len(client.get("/instances").json) == 1


def test_each_request_draws_a_name_and_a_key_of_its_own(client: Client) -> None:
    path = client.upload()["Path"]
    first, second = (_read(client.post(f"{path}/anonymize", {})) for _ in range(2))
    assert (first.PatientName, second.PatientName) == ("Anonymized1", "Anonymized2")
    assert first.PatientID != second.PatientID
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_a_number_is_drawn_only_where_a_name_is_needed(client: Client) -> None:
    path = client.upload()["Path"]
    _read(client.post(f"{path}/anonymize", {"Replace": {"PatientName": "X"}}))
    _read(client.post(f"{path}/modify", {}))
    client.post("/instances/nope/anonymize", {})
    client.post(f"{path}/anonymize", {"Keep": "PatientName"})
    assert _read(client.post(f"{path}/anonymize", {})).PatientName == "Anonymized1"


def test_a_modified_copy_changes_what_was_asked_for(client: Client) -> None:
    path = client.upload()["Path"]
    copy = _read(
        client.post(f"{path}/modify", '{"Replace": {"PatientName": "New^Name",}} // as Orthanc reads it')
    )
    assert copy.PatientName == "New^Name"
    assert copy.PatientID == "PAT"
    assert copy.StudyInstanceUID == "1.2.3.1"
    assert copy.SOPInstanceUID != "1.2.3.1.1.1"


def test_a_large_copy_is_fetched_elsewhere(client: Client) -> None:
    pixels = bytes(range(256)) * (client.backend.largest_answer // 256)
    path = client.upload(PixelData=pixels, BitsAllocated=8)["Path"]
    answer = client.post(f"{path}/anonymize", {})
    assert answer.status == 303
    copy = pydicom.dcmread(Path(answer.headers["location"].removeprefix("file://")))
    assert copy.PatientName == "Anonymized1"
    assert copy.PixelData == pixels
    assert len([key for key in client.stored_files() if key.startswith("results/")]) == 1


BAD: list[tuple[str | dict[str, Any], tuple[int, int]]] = [
    ("", (400, 15)),
    ("{", (400, 15)),
    ("[]", (400, 15)),
    ("null", (400, 15)),
    ('"text"', (400, 15)),
    ("[" * 10_000, (400, 15)),
    ('{"Replace":' * 10_000, (400, 15)),
    ({"Replace": []}, (400, 8)),
    ({"Keep": "PatientName"}, (400, 8)),
    ({"Remove": {"PatientName": ""}}, (400, 8)),
    ({"Remove": [1]}, (400, 8)),
    ({"Force": "yes"}, (400, 15)),
    ({"KeepLabels": 1}, (400, 15)),
    ({"Replace": {"PatientNam": "x"}}, (400, 27)),
    ({"Replace": {"PatientName": 5}}, (400, 5)),
    ({"Replace": {"PatientID": "x"}}, (400, 8)),
    ({"Force": True, "Remove": ["SOPInstanceUID"]}, (400, 8)),
    ({"Replace": {"Rows": "70000"}}, (400, 15)),
    ({"Replace": {"ReferencedImageSequence": "text"}}, (400, 15)),
    ({"Replace": {"ReferencedImageSequence": [{"Nope": ""}]}}, (400, 27)),
    ({"Replace": {"ReferencedImageSequence.PatientName": "x"}}, (400, 3)),
    ({"Replace": {"FrameIncrementPointer": "Nope"}}, (400, 27)),
    ({"Replace": {"PixelData": "odd"}}, (400, 3)),
    ({"Replace": {"PixelData": "data:image/png;base64,iVBORw0KGgo="}}, (400, 15)),
    ({"Replace": {"PixelData": "data:image/gif;base64,R0lGODlh"}}, (500, 2)),
    ({"Replace": {"EncapsulatedDocument": "data:application/pdf;base64,AAAA"}}, (400, 15)),
    ({"Replace": {"PatientComments": "中"}}, (400, 15)),
    ({"PrivateCreator": 5}, (400, 15)),
    ({"Transcode": 5}, (400, 15)),
    ({"Transcode": "nope"}, (400, 3)),
    ({"Transcode": "1.2.840.10008.1.2.4.90", "LossyQuality": "90"}, (400, 15)),
    ({"Transcode": "1.2.840.10008.1.2.4.102"}, (500, 2)),
]


@pytest.mark.parametrize("action", ["anonymize", "modify"])
@pytest.mark.parametrize(("body", "error"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_request_changes_nothing(
    client: Client, action: str, body: str | dict[str, Any], error: tuple[int, int]
) -> None:
    path = client.upload()["Path"]
    before = client.stored_files()
    assert client.post(f"{path}/{action}", body).error == error
    assert client.stored_files() == before


def test_an_unknown_profile_edition_is_out_of_range(client: Client) -> None:
    path = client.upload()["Path"]
    assert client.post(f"{path}/anonymize", {"DicomVersion": "1999"}).error == (400, 3)
    assert client.post(f"{path}/anonymize", {"DicomVersion": 2023}).error == (400, 15)


def test_faults_of_the_request_are_found_before_the_resource_is_looked_for(client: Client) -> None:
    assert client.post("/instances/nope/modify", {}).error == (404, 17)
    assert client.post("/instances/nope/modify", {"Keep": "x"}).error == (400, 8)
    series = client.upload()["ParentSeries"]
    assert client.post(f"/instances/{series}/modify", {}).error == (404, 17)


def test_the_same_transfer_syntax_is_no_transcoding(client: Client) -> None:
    path = client.upload()["Path"]
    _read(client.post(f"{path}/modify", {"Transcode": "1.2.840.10008.1.2.1"}))


def test_text_that_does_not_fit_is_named_by_tag_and_character_set_and_not_repeated(client: Client) -> None:
    path = client.upload(SpecificCharacterSet="ISO_IR 144")["Path"]
    answer = client.post(f"{path}/modify", {"Replace": {"PatientComments": "Ж 中"}})
    assert answer.error == (400, 15)
    details = answer.json["Details"]
    assert "0010,4000" in details
    assert "ISO_IR 144" in details
    assert "Ж" not in details


def test_text_that_does_not_fit_is_dropped_where_the_settings_say_so(
    make_client: Callable[..., Client],
) -> None:
    client = make_client(unencodable_text=UnencodableText.DROP)
    path = client.upload(SpecificCharacterSet="ISO_IR 144")["Path"]
    copy = _read(client.post(f"{path}/modify", {"Replace": {"PatientComments": "Ж中!"}}))
    assert copy.PatientComments == "Ж!"


def test_a_wrong_declaration_is_repaired_by_relabelling(client: Client) -> None:
    name = "Müller^Zoë".encode().decode("latin-1")  # UTF-8 in a file that says Latin-1
    path = client.upload(SpecificCharacterSet="ISO_IR 100", PatientName=name)["Path"]
    copy = _read(client.post(f"{path}/modify", {"Replace": {"SpecificCharacterSet": "ISO_IR 192"}}))
    assert copy.PatientName == "Müller^Zoë"


def test_an_embedded_pdf_tells_what_it_is(client: Client) -> None:
    path = client.upload()["Path"]
    replace = {"EncapsulatedDocument": "data:application/pdf;base64,JVBERi0xLjc="}
    copy = _read(client.post(f"{path}/modify", {"Replace": replace}))
    assert copy.EncapsulatedDocument == b"%PDF-1.7"
    assert copy.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert copy.ConversionType == "WSD"


def test_private_tags_are_written_by_the_names_and_vrs_of_the_settings(
    make_client: Callable[..., Client],
) -> None:
    entry = PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic")
    client = make_client(dictionary=(entry,), default_private_creator="RadioLogic")
    path = client.upload()["Path"]
    replace = {"RadioButton3": "on", "4321,0010": "RadioLogic"}
    copy = _read(client.post(f"{path}/anonymize", {"Replace": replace}))
    assert (copy[0x43211012].VR, copy[0x43211012].value) == ("LO", "on")
    other = _read(client.post(f"{path}/modify", {"Replace": replace, "PrivateCreator": "Else"}))
    assert other.get_item(0x43211012).VR == "UN"


def test_text_of_files_without_character_set_is_in_the_default_encoding(
    make_client: Callable[..., Client],
) -> None:
    client = make_client(default_encoding="Latin2")
    path = client.upload()["Path"]
    answer = client.post(f"{path}/modify", {"Replace": {"StudyDescription": "Zdeš"}})
    assert "Zdeš".encode("iso8859_2") in answer.body
