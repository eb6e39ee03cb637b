"""Write tempo, key, gain and drops into the tags of files, and restore the tags."""
