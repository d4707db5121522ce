"""Files converted into other transfer syntaxes: downloads, edits of one instance, and uploads."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.damage import check_object
from tests.support.api_client import FUNCTIONS, Answer, Client, make_dicom
from tests.support.damage import MISSING, OF_SIZE, Damage, damage, flipped, stored_bytes, stored_object
from tests.support.images import GREY, GREY_16

IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
BASELINE, RLE, MPEG4 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.102"
PIXELS = GREY["PixelData"]
ALWAYS, NEVER, IF_CHANGED = OverwriteInstances.ALWAYS, OverwriteInstances.NEVER, OverwriteInstances.IF_CHANGED
DAMAGES: dict[str, Damage] = {"longer": OF_SIZE["longer"], "missing": MISSING, "flipped": flipped(0.7)}


def zeroed_codestream(data: bytes) -> bytes:
    """Lose the header of the one frame in RLE: where its segments begin (PS3.5 G.5)."""
    at = data.index(b"\x01\0\0\0\x40\0\0\0")
    return data[:at] + bytes(64) + data[at + 64 :]


def read(answer: Answer) -> Dataset:
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/dicom"
    return pydicom.dcmread(io.BytesIO(answer.body))


def syntax_of(data: Dataset) -> str:
    return str(data.file_meta.TransferSyntaxUID)


@pytest.fixture
def image(client: Client) -> str:
    return str(client.upload(**GREY)["Path"])


@pytest.mark.parametrize("action", ["file", "modify", "anonymize"])
@pytest.mark.parametrize("syntax", [IMPLICIT, DEFLATED, RLE])
def test_a_lossless_copy_has_the_same_pixels(client: Client, image: str, action: str, syntax: str) -> None:
    if action == "file":
        copy = read(client.get(f"{image}/file", query={"transcode": syntax}))
        assert copy.SOPInstanceUID == "1.2.3.1.1.1"
    else:
        copy = read(client.post(f"{image}/{action}", {"Transcode": syntax}))
    assert syntax_of(copy) == syntax
    assert copy.pixel_array.tobytes() == PIXELS
    assert "LossyImageCompression" not in copy
    assert len(client.get("/instances").json) == 1


@pytest.mark.parametrize("syntax", [RLE, DEFLATED])
def test_a_lossless_copy_keeps_the_identifier_that_the_request_keeps(
    client: Client, image: str, syntax: str
) -> None:
    body = {"Transcode": syntax, "Keep": ["SOPInstanceUID"], "Force": True}
    assert read(client.post(f"{image}/modify", body)).SOPInstanceUID == "1.2.3.1.1.1"


def test_a_lossy_copy_is_another_instance_even_if_the_request_keeps_its_identifier(
    client: Client, image: str
) -> None:
    body = {"Transcode": BASELINE, "Keep": ["SOPInstanceUID"], "Force": True}
    copies = [read(client.post(f"{image}/modify", body)) for _ in range(2)]
    uids = {copy.SOPInstanceUID for copy in copies}
    assert len(uids | {"1.2.3.1.1.1"}) == 3
    for copy in copies:
        assert (copy.LossyImageCompression, syntax_of(copy)) == ("01", BASELINE)
        assert copy.file_meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID


def test_an_instance_is_converted_before_it_is_edited(client: Client, image: str) -> None:
    body = {"Transcode": BASELINE, "Remove": ["LossyImageCompressionRatio"]}
    copy = read(client.post(f"{image}/modify", body))
    assert "LossyImageCompressionRatio" not in copy
    assert copy.LossyImageCompression == "01"


def test_a_lossy_download_is_the_same_file_each_time(client: Client, image: str) -> None:
    query = {"transcode": BASELINE, "lossy-quality": "60"}
    first, second = (client.get(f"{image}/file", query=query) for _ in range(2))
    assert first.body == second.body
    assert first.headers["content-disposition"] == f'filename="{image.split("/")[2]}.dcm"'
    other = read(client.get(f"{image}/file", query={**query, "lossy-quality": "61"}))
    assert len({read(first).SOPInstanceUID, other.SOPInstanceUID, "1.2.3.1.1.1"}) == 3


def test_quality_beyond_its_bounds_is_the_nearest_and_the_setting_is_the_default(
    make_client: Callable[..., Client],
) -> None:
    client = make_client(dicom_lossy_transcoding_quality=40)
    image = client.upload(**GREY)["Path"]

    def encoded(quality: int | None) -> bytes:
        query = {"transcode": BASELINE} | ({} if quality is None else {"lossy-quality": str(quality)})
        body = {"Transcode": BASELINE} | ({} if quality is None else {"LossyQuality": quality})
        downloaded = read(client.get(f"{image}/file", query=query))
        edited = read(client.post(f"{image}/modify", body))
        assert edited.PixelData == downloaded.PixelData
        return bytes(edited.PixelData)

    assert encoded(200) == encoded(100)
    assert encoded(-5) == encoded(1)
    assert encoded(None) == encoded(40)
    assert len(encoded(1)) < len(encoded(40)) < len(encoded(100))


def test_the_same_transfer_syntax_is_the_stored_file(client: Client, image: str) -> None:
    stored = stored_bytes(client.backend, image.split("/")[2])
    assert client.get(f"{image}/file", query={"transcode": EXPLICIT}).body == stored


REFUSED: list[tuple[dict[str, str], tuple[int, int]]] = [
    ({"transcode": "nope"}, (400, 3)),
    ({"transcode": ""}, (400, 3)),
    ({"transcode": "1.2.3"}, (400, 3)),
    ({"transcode": BASELINE, "lossy-quality": "x"}, (400, 15)),
    ({"transcode": BASELINE, "lossy-quality": ""}, (400, 15)),
    ({"transcode": BASELINE, "lossy-quality": "9" * 5000}, (400, 15)),
    ({"transcode": BASELINE, "lossy-quality": "٣"}, (400, 15)),
    ({"transcode": MPEG4}, (500, 2)),
]


@pytest.mark.parametrize(("query", "error"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_download_that_cannot_be_is_refused(
    client: Client, image: str, query: dict[str, str], error: tuple[int, int]
) -> None:
    assert client.get(f"{image}/file", query=query).error == error
    assert client.get("/instances/nope/file", query={"transcode": IMPLICIT}).error == (404, 17)


@pytest.mark.parametrize("quality", ["80", 80.5, True, None, [80]])
def test_a_quality_that_is_no_whole_number_is_refused(client: Client, image: str, quality: object) -> None:
    body = {"Transcode": BASELINE, "LossyQuality": quality}
    study = client.get("/studies").json[0]
    assert client.post(f"{image}/modify", body).error == (400, 15)
    assert client.post(f"/studies/{study}/modify", body).error == (400, 15)


def test_what_cannot_be_encoded_is_an_error_that_changes_nothing(client: Client) -> None:
    image = client.upload(**GREY_16)["Path"]
    before = client.stored_files()
    for answer in (
        client.get(f"{image}/file", query={"transcode": BASELINE}),
        client.post(f"{image}/modify", {"Transcode": BASELINE}),
    ):
        assert answer.error == (500, 2)
        assert answer.json["Details"]
    assert client.stored_files() == before


def test_a_large_copy_is_fetched_elsewhere(client: Client) -> None:
    rows = client.backend.largest_answer // 1024
    large = {**GREY, "Rows": rows, "Columns": 1024, "PixelData": bytes(range(256)) * (rows * 4)}
    image = client.upload(**large)["Path"]
    for answer in (
        client.get(f"{image}/file", query={"transcode": IMPLICIT}),
        client.post(f"{image}/modify", {"Transcode": IMPLICIT}),
    ):
        assert answer.status == 303
        copy = pydicom.dcmread(Path(answer.headers["location"].removeprefix("file://")))
        assert (syntax_of(copy), copy.PixelData) == (IMPLICIT, large["PixelData"])


def test_uploads_are_stored_in_the_transfer_syntax_of_the_setting(make_client: Callable[..., Client]) -> None:
    client = make_client(ingest_transcoding=RLE)
    assert client.get("/system").json["IngestTranscoding"] == RLE
    stored = client.upload(**GREY)
    copy = read(client.get(f"{stored['Path']}/file"))
    assert (syntax_of(copy), copy.SOPInstanceUID) == (RLE, "1.2.3.1.1.1")
    assert copy.pixel_array.tobytes() == PIXELS
    metadata = client.get(f"{stored['Path']}/metadata", query={"expand": ""}).json
    assert metadata["TransferSyntax"] == RLE
    found = stored_bytes(client.backend, stored["ID"])
    assert found[int(metadata["PixelDataOffset"]) :].startswith(b"\xe0\x7f\x10\x00OB")
    check_object(client.backend.objects, stored_object(client.backend, stored["ID"]))


def test_an_upload_that_cannot_be_converted_is_stored_as_it_is_and_the_log_counts_it(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(ingest_transcoding=RLE)
    file = make_dicom(**{**GREY, "BitsAllocated": 12})
    stored = client.post("/instances", file).json
    assert stored["Status"] == "Success"
    assert stored_bytes(client.backend, stored["ID"]) == file
    assert [record.message for record in caplog.records if "IngestTranscoding" in record.message] == [
        "IngestTranscoding, or a rule on arrival: one upload keeps its transfer syntax"
    ]


@pytest.mark.parametrize(
    ("overwrite", "again"), [(NEVER, "AlreadyStored"), (IF_CHANGED, "AlreadyStored"), (ALWAYS, "Success")]
)
def test_the_same_upload_is_known_again(
    make_client: Callable[..., Client], overwrite: OverwriteInstances, again: str
) -> None:
    client = make_client(ingest_transcoding=RLE, overwrite_instances=overwrite)
    client.upload(**GREY)
    first = client.stored_files()
    assert client.upload(**GREY)["Status"] == again
    assert (client.stored_files() == first) is (overwrite is not ALWAYS)
    changed = client.upload(**GREY, PatientSex="F")
    assert changed["Status"] == ("AlreadyStored" if overwrite is NEVER else "Success")
    copy = read(client.get(f"{changed['Path']}/file"))
    assert (syntax_of(copy), copy.get("PatientSex")) == (RLE, None if overwrite is NEVER else "F")


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("overwrite", [NEVER, IF_CHANGED, ALWAYS])
def test_the_same_upload_mends_what_was_converted(
    make_client: Callable[..., Client], overwrite: OverwriteInstances, name: str
) -> None:
    client = make_client(ingest_transcoding=RLE, overwrite_instances=overwrite)
    instance = client.upload(**GREY)["ID"]
    whole = stored_bytes(client.backend, instance)
    damage(client.backend, instance, DAMAGES[name])
    assert client.upload(**GREY)["Status"] == "Success"
    assert stored_bytes(client.backend, instance) == whole
    check_object(client.backend.objects, stored_object(client.backend, instance))


def test_what_cannot_be_converted_since_it_is_damaged_is_no_fault_of_the_request(
    make_client: Callable[..., Client],
) -> None:
    client = make_client(ingest_transcoding=RLE)
    stored = client.upload(**GREY)
    damage(client.backend, stored["ID"], zeroed_codestream)
    file = f"{stored['Path']}/file"
    assert client.get(file, query={"transcode": EXPLICIT}).error == (500, 20)
    assert client.post(f"{stored['Path']}/modify", {"Transcode": EXPLICIT}).error == (500, 20)
    answer = client.post(f"/studies/{stored['ParentStudy']}/modify", {"Transcode": EXPLICIT})
    assert answer.error == (500, 20)
    assert len(client.get("/instances").json) == 1


def test_a_server_without_codecs_says_so(
    make_client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client()
    image = client.upload(**GREY)["Path"]
    monkeypatch.setitem(sys.modules, "dicomorph.transcoding.transcode", None)
    answer = client.get(f"{image}/file", query={"transcode": RLE})
    assert answer.error == (500, -1)
    assert answer.json["Details"] == "The codecs that transcode are not installed here"
    study = client.get("/studies").json[0]
    assert client.post(f"/studies/{study}/modify", {"Transcode": RLE}).status == 500
    assert len(client.get("/instances").json) == 1, "what cannot be looked at is no product"


def test_no_function_loads_codecs_before_there_is_something_to_convert() -> None:
    load = "import sys, runpy\nfor path in sys.argv[1:]: runpy.run_path(path, run_name='app')\n"
    check = "print(sorted({'numpy', 'imagecodecs', 'dicomorph.transcoding'} & sys.modules.keys()))"
    paths = sorted(str(path) for path in FUNCTIONS.glob("*/app.py"))
    done = subprocess.run(
        [sys.executable, "-c", load + check, *paths], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
