"""Import: bytes of a file, as they arrive, made into events and stored."""
