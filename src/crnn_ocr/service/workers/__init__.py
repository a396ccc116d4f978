"""Shares state between the worker processes of one service, and switches their models."""
