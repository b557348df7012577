"""Feeds: many products in one file, read row by row, and the same rows written out with copy."""
