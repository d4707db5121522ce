"""Images in Replace: an edit of one instance, a job, and what is refused."""

from __future__ import annotations

import base64
import io
import struct
import threading
import tracemalloc

import imagecodecs
import numpy as np
import pydicom
import pytest

from tests.support.api_client import Client
from tests.support.images import GREY

PICTURE = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


def uri(content: bytes, mime_type: str = "image/png") -> str:
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


PNG = uri(bytes(imagecodecs.png_encode(PICTURE)))
# The same, and its header says more than 64 MB; no decoder has a look at it.
TOO_LARGE = bytes(imagecodecs.png_encode(PICTURE)).replace(
    struct.pack(">II", 5, 4), struct.pack(">II", 5000, 5000)
)


@pytest.fixture
def image(client: Client) -> str:
    return str(client.upload(**GREY)["ID"])


@pytest.mark.parametrize("action", ["modify", "anonymize"])
def test_an_edited_copy_has_the_image(client: Client, image: str, action: str) -> None:
    answer = client.post(f"/instances/{image}/{action}", {"Replace": {"PixelData": PNG}})
    assert answer.status == 200
    found = pydicom.dcmread(io.BytesIO(answer.body))
    assert np.array_equal(found.pixel_array, PICTURE)
    assert (found.PhotometricInterpretation, found.PlanarConfiguration) == ("RGB", 0)


def test_the_products_of_a_job_have_the_image(client: Client, image: str) -> None:
    study = client.get(f"/instances/{image}/study").json["ID"]
    job = client.post(f"/studies/{study}/modify", {"Replace": {"PixelData": PNG}}).json
    [product] = [each for each in client.get("/instances").json if each != image]
    found = pydicom.dcmread(io.BytesIO(client.get(f"/instances/{product}/file").body))
    assert np.array_equal(found.pixel_array, PICTURE)
    assert job["Type"] == "Study"


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (uri(b"no image"), 400, 15),
        ("data:image/png;base64,?", 400, 15),
        (uri(b"GIF89a", "image/gif"), 500, 2),
        (uri(bytes(imagecodecs.png_encode(PICTURE[..., :2].copy()))), 500, 2),
        (uri(TOO_LARGE), 413, 8),
    ],
)
def test_what_is_no_image_of_its_kind_is_refused(
    client: Client, image: str, value: str, status: int, code: int
) -> None:
    answer = client.post(f"/instances/{image}/modify", {"Replace": {"PixelData": value}})
    assert (answer.status, answer.json["OrthancStatus"]) == (status, code)
    assert client.get("/instances").json == [image]


def test_a_job_that_cannot_decode_an_image_fails_and_stores_nothing(client: Client, image: str) -> None:
    study = client.get(f"/instances/{image}/study").json["ID"]
    body = {"Replace": {"PixelData": uri(b"no image")}, "Synchronous": False}
    job = client.post(f"/studies/{study}/modify", body).json["ID"]
    found = client.get(f"/jobs/{job}").json
    assert (found["State"], found["ErrorCode"]) == ("Failure", 15)
    assert client.get("/instances").json == [image]


@pytest.mark.slow
def test_images_that_many_requests_embed_are_held_one_at_a_time(client: Client, image: str) -> None:
    size = 8192 * 8192
    largest = bytes(imagecodecs.png_encode(np.zeros((8192, 8192), np.uint8)))
    body = {"Replace": {"PixelData": uri(largest)}}
    tracemalloc.start()
    try:
        threads = [
            threading.Thread(target=client.post, args=(f"/instances/{image}/modify", body)) for _ in "123"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert size < tracemalloc.get_traced_memory()[1] < 2.6 * size
    finally:
        tracemalloc.stop()
