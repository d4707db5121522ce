"""Pixel data in other transfer syntaxes: the one package that loads numpy and imagecodecs."""
