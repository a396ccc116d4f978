"""Read the lines of a page."""
