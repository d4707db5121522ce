"""Pixel data: native, in fragments, and the codestreams within (PS3.5 8, A.4)."""
