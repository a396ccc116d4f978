"""Reads the grid of a table in several ways, and judges which one is right."""
