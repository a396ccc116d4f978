"""Reads long documents in the background: a table of jobs and pages, a queue of tasks, workers, files."""
