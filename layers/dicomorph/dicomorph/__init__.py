"""Dicomorph: anonymization and modification of DICOM images behind Orthanc's REST API."""

__version__ = "0.1.0"
