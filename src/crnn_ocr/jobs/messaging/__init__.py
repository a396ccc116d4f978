"""Calls workers on other machines through Celery; the table of jobs says what they do."""
