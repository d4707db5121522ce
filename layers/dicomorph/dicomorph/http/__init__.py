"""Orthanc's HTTP conventions: requests, answers and error bodies."""
