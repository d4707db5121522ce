"""Values between JSON, text and the bytes of elements (PS3.5 6.2)."""
