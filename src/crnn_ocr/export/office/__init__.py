"""Writes files for office programs: Excel and Word."""
