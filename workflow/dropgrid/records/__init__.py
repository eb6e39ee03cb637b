"""What is said of a track: its ticket and its records, as dataclasses and as JSON."""
