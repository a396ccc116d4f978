"""Reads documents: runs the stages of each page, and leases models and cores to them."""
