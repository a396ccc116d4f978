"""Reads documents for requests: admission, the cache of answers, the engine."""
