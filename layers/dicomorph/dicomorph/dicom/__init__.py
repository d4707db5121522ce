"""DICOM as bytes: elements, text, tags, edit scripts. Pure: no clock, no randomness, no I/O of its own."""
