"""What is done to the text of a reading."""
