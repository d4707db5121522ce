"""What a request says, read as Orthanc reads it."""
