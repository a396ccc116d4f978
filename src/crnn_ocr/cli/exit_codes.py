"""Defines the exit codes of the command line; scripts rely on them."""

EXIT_OK = 0
#: An input could not be read, or the output could not be written.
EXIT_FAILED = 1
#: Wrong usage or a wrong setting; argparse uses the same code.
EXIT_USAGE = 2
#: 128 + SIGINT, as in shells.
EXIT_INTERRUPTED = 130
#: 128 + SIGPIPE: the reader of the output went away (`| head`).
EXIT_BROKEN_PIPE = 141
