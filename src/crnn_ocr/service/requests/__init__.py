"""Extracts pictures and options from requests."""
