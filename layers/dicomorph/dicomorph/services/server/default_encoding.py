"""The server's default encoding: the character set of files that name none."""

from __future__ import annotations

from dicomorph.dicom.text.charsets import ORTHANC_ENCODINGS
from dicomorph.model.errors import ParameterOutOfRangeError
from dicomorph.services.backend import Backend

DEFAULT_ENCODING = "DefaultEncoding"
"""The server-wide property that outlives the process: on AWS each request may meet another one."""


def default_encoding(backend: Backend) -> str:
    """Return Orthanc's name of the encoding: the setting's, unless a client changed it."""
    return backend.index.properties.read_property(DEFAULT_ENCODING) or backend.settings.default_encoding


def change_default_encoding(backend: Backend, name: str) -> str:
    """Set the encoding for everything from now on, and return its name.

    Raises
    ------
    ParameterOutOfRangeError
        If Orthanc has no encoding of this name.
    """
    name = name.strip()
    if name not in ORTHANC_ENCODINGS:
        raise ParameterOutOfRangeError(f"Known encodings: {', '.join(sorted(ORTHANC_ENCODINGS))}")
    backend.index.properties.write_property(DEFAULT_ENCODING, name)
    return name
