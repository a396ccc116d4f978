"""Measures jobs: embedded, with Celery, and on a clock that is not real."""
