"""Read text lines: recognisers turn crops of lines into text."""
