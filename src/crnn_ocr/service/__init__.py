"""The HTTP service: Flask application, routes, page."""
