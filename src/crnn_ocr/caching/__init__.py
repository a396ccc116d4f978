"""Keeps answers: keys, codec, the local and the shared store, and one reading for equal requests at once."""
