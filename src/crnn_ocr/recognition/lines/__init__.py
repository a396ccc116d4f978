"""Reads the lines of a page."""
