"""Codecs of single frames, one file a family of transfer syntaxes."""
