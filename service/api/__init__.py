"""The HTTP surface: one resource a file, schema and thin endpoint. Only ``errors.py`` knows HTTP codes."""
