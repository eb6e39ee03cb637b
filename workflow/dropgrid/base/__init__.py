"""What knows nothing of music: errors, files, documents, text, colours."""
