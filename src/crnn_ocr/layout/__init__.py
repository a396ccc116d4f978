"""In which order are lines read, and which belong together? Pure geometry, no I/O."""
