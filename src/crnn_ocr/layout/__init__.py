"""Find the reading order of lines and the lines that belong together; geometry without I/O."""
