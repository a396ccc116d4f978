"""Caches answers, in each process and in Redis, and reads equal requests only once at a time."""
