"""Separates a product from its background: packshot (no weights) and others behind the same protocol."""
