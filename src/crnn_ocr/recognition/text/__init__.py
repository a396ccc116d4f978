"""Post-process the text of a reading."""
