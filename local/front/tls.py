"""TLS, for those who have no proxy: the certificate and the key that the settings name."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from dicomorph.model.settings import Settings


class CertificateError(Exception):
    """The certificate or its key cannot be used; the message says why, in one line."""


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return what each connection begins with; None without TLS.

    ``SslCertificate`` is a PEM file with the certificate, and those that vouch for it, and the key
    unless ``SslPrivateKey`` names a file for that. ``~`` is the home of the user.

    Raises
    ------
    CertificateError
        If a file is missing, unreadable or no PEM, or the key is of another certificate or encrypted.
    """
    if not settings.ssl_enabled:
        return None
    certificate = Path(settings.ssl_certificate).expanduser()
    key = Path(settings.ssl_private_key).expanduser() if settings.ssl_private_key else None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _check_readable("SslCertificate", certificate)
    if key is not None:
        _check_readable("SslPrivateKey", key)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        files = f"{certificate} and {key}" if key else str(certificate)
        raise CertificateError(f"Cannot use the certificate and key of {files}: {_reason(error)}") from error
    return context


def _check_readable(setting: str, path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise CertificateError(f"Setting {setting}: cannot read {path}: {reason}") from error


def _no_password() -> str:
    """Refuse what would otherwise be asked for on the terminal."""
    raise ValueError("the key is encrypted")


def _reason(error: Exception) -> str:
    if not isinstance(error, ssl.SSLError):
        return str(error)
    return (error.reason or "no PEM with a certificate and its key").replace("_", " ").lower()
