"""Finds the areas of a page that may be tables: nets of rules, text between rules, rows in columns."""
