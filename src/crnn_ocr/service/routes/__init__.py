"""Routes: each parses its input, calls one service, and describes its answer."""
