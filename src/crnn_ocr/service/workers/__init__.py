"""What the worker processes of one service share."""
