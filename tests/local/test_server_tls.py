"""TLS by the server itself, with certificates that each run makes."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from local.__main__ import main
from tests.local.front import Acting, exchange, running, says
from tests.support.api_client import make_dicom

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "req -x509 -newkey rsa:2048 -nodes -days 7 -subj /CN=localhost -addext subjectAltName=DNS:localhost"

ENCRYPT = "openssl pkcs8 -topk8 -passout pass:secret -in"


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(
        ["openssl", *COMMAND.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two certificates with their keys, one of which is in one file with its key too."""
    folder = tmp_path_factory.mktemp("tls")
    found: dict[str, Path] = {"absent": folder / "absent", "folder": folder}
    for name in ("a", "b"):
        found[f"{name}.crt"], found[f"{name}.key"] = make_certificate(folder, name)
    found["a.pem"] = folder / "a.pem"
    found["a.pem"].write_text(found["a.crt"].read_text() + found["a.key"].read_text())
    found["empty"] = folder / "empty"
    found["empty"].write_text("")
    found["text"] = folder / "text"
    found["text"].write_text("no certificate")
    found["encrypted"] = folder / "encrypted"
    encrypted = str(found["encrypted"])
    subprocess.run(
        [*ENCRYPT.split(), str(found["a.key"]), "-out", encrypted],
        check=True,
        capture_output=True,
    )
    return found


@pytest.fixture
def trusting(files: dict[str, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files["a.crt"]))


def settings_with(tmp_path: Path, **settings: object) -> str:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"SslEnabled": True, **settings}))
    return str(file)


@pytest.mark.parametrize("apart", [False, True])
def test_files_go_both_ways(
    tmp_path: Path, make_server: Callable[..., Any], files: dict[str, Path], *, apart: bool
) -> None:
    given = {"SslCertificate": str(files["a.crt" if apart else "a.pem"])}
    if apart:
        given["SslPrivateKey"] = str(files["a.key"])
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path / "data")]
    trusting = ssl.create_default_context(cafile=str(files["a.crt"]))
    with subprocess.Popen(
        [*command, "--settings", settings_with(tmp_path, **given)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert "https://127.0.0.1:" in line
        url = f"https://localhost:{line.split('127.0.0.1:')[1].split()[0]}"

        def call(path: str, body: bytes | None = None, **headers: str) -> bytes:
            request = urllib.request.Request(url + path, body, headers)
            with urllib.request.urlopen(request, context=trusting, timeout=30) as answer:
                return bytes(answer.read())

        for size in (100, 300_000, 5_000_000):
            data = make_dicom(instance=size, EncapsulatedDocument=bytes(range(250)) * (size // 250 * 1))
            stored = json.loads(call("/instances", data))
            assert call(f"{stored['Path']}/file") == data
            assert call(f"{stored['Path']}/file", Range="bytes=10-99") == data[10:100]
        server.terminate()
        assert (server.wait(20), server.stderr.read() if server.stderr else "") == (0, "")


@pytest.fixture
def port(tmp_path: Path, files: dict[str, Path]) -> Iterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files["a.pem"])
    with running(Acting(lambda event, _: says(event["path"])), tmp_path, tls=context) as port:
        yield port


def test_clients_that_do_not_get_through_keep_nobody_waiting(port: int, trusting: ssl.SSLContext) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for one in slow[:25]:
        one.sendall(b"\x16\x03\x01")  # a handshake begins, and no more comes
    with suppress(ConnectionResetError):
        assert exchange(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")[:4] != b"HTTP"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        for path in ("/a", "/b"):
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            received = b""
            while not received.endswith(path.encode()):
                received += client.recv(1 << 16)
    for one in slow:
        one.close()


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("absent", "", "Setting SslCertificate: cannot read {certificate}: No such file or directory"),
        ("folder", "", "Setting SslCertificate: cannot read {certificate}: Is a directory"),
        ("a.crt", "absent", "Setting SslPrivateKey: cannot read {key}: No such file or directory"),
        ("a.crt", "", "Cannot use the certificate and key of {certificate}: "),
        ("a.crt", "b.key", "Cannot use the certificate and key of {certificate} and {key}: "),
        ("a.key", "a.key", "Cannot use the certificate and key of {certificate} and {key}: "),
        ("a.crt", "encrypted", "Cannot use the certificate and key of {certificate} and {key}: the key is"),
        ("empty", "", "Cannot use the certificate and key of {certificate}: "),
        ("text", "a.key", "Cannot use the certificate and key of {certificate} and {key}: "),
    ],
)
def test_files_that_do_not_do_are_said_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, Path],
    certificate: str,
    key: str,
    said: str,
) -> None:
    given = {"SslCertificate": str(files[certificate])}
    if key:
        given["SslPrivateKey"] = str(files[key])
    options = ["--port", "0", "--data", str(tmp_path / "data")]
    assert main([*options, "--settings", settings_with(tmp_path, **given)]) == 2
    found = capsys.readouterr().err
    assert found.startswith(said.format(certificate=files[certificate], key=files.get(key)))
    assert found.count("\n") == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("settings", [{"SslEnabled": 1}, {"SslCertificate": 1}, {"SslPrivateKey": []}])
def test_settings_of_another_type_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, object]
) -> None:
    options = ["--port", "0", "--data", str(tmp_path / "data")]
    assert main([*options, "--settings", settings_with(tmp_path, **settings)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
