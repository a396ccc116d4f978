"""Readings compared with the ink on the picture."""
