"""The object store: DICOM files and the documents of jobs."""
