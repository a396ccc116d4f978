"""Columns of upright characters, laid out as rows."""
