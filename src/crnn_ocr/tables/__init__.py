"""Finds tables on a page and reads their grid: rows, columns, cells that span several. Pure functions."""
