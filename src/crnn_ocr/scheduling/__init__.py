"""Shares the cores among requests: tickets, the policy, and the thread pool that runs the tasks."""
