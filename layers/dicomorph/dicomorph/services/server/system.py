"""What the server says about itself."""

from __future__ import annotations

from dicomorph import __version__
from dicomorph.deid.editions.default_edition import edition_of
from dicomorph.model.main_dicom_tags import signature
from dicomorph.model.resources import LEVELS, Json
from dicomorph.services.backend import Backend
from dicomorph.services.server.default_encoding import default_encoding

ORTHANC_VERSION = "1.13.0"
"""The version of Orthanc whose behaviour is followed; clients gate features on it."""

ORTHANC_API_VERSION = 31


def system(backend: Backend) -> dict[str, Json]:
    """Return the description of the server (spec 2.5)."""
    settings = backend.settings
    return {
        "ApiVersion": ORTHANC_API_VERSION,
        "Capabilities": {"HasExtendedChanges": False, "HasExtendedFind": False},
        "CheckRevisions": settings.check_revisions,
        "DatabaseVersion": 6,  # the one of Orthanc 1.13
        "DefaultDicomVersion": edition_of(settings),  # Orthanc tells it nowhere
        "DefaultEncoding": default_encoding(backend),
        "HasLabels": True,
        "HttpDescribeErrors": settings.http_describe_errors,
        "IngestTranscoding": settings.ingest_transcoding,
        "IsHttpServerSecure": False,
        "MainDicomTags": {level.value: signature(level) for level in LEVELS},
        "Name": "Dicomorph",
        "OverwriteInstances": settings.overwrite_instances.replaces,
        "OverwriteInstancesMode": settings.overwrite_instances.value,
        "PatientLevelEnabled": True,
        "PluginsEnabled": False,
        "ReadOnly": False,
        "Software": "Dicomorph",
        "SoftwareVersion": __version__,
        "StorageCompression": False,
        "ThirdPartyVersions": {},
        "UserMetadata": dict(settings.user_metadata),
        "Version": ORTHANC_VERSION,
    }
