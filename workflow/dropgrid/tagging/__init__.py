"""Writing tempo and drops into the files' own tags, and taking it back."""
