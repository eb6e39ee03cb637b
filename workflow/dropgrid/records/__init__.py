"""A track's ticket and its records, as dataclasses and as JSON."""
