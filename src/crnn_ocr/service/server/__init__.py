"""The Gunicorn worker and its sockets."""
