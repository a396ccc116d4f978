"""Shares the cores among requests: tickets, the scheduling policy, and the thread pool that runs the tasks."""
