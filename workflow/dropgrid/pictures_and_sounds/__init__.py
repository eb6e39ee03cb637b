"""Pictures of results, and audio files with clicks and transitions."""
