"""Photographs in, finished pictures out: intake, placement, composition, receipt, layout."""
