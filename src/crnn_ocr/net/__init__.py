"""Connects to hosts that others name, without opening the operator's network to them; watches sockets."""
