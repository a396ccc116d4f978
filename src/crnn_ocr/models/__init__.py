"""Finds, verifies, prepares and keeps model packs."""
