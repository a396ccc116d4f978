"""Lay out columns of upright characters as rows, for the recogniser."""
