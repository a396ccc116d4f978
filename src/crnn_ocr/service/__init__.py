"""The HTTP shell: Flask application, routes, page."""
