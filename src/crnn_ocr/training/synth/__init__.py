"""Looks of drawn lines: scenes, damage, neighbours."""
