"""From the bytes of a request to pictures and options."""
