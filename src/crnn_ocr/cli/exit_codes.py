"""Exit statuses of the command line; scripts rely on them."""

EXIT_OK = 0
#: Some input could not be read, or the output not be written.
EXIT_FAILED = 1
#: Wrong usage or a wrong setting; argparse uses the same number.
EXIT_USAGE = 2
#: 128 + SIGINT, as shells have it.
EXIT_INTERRUPTED = 130
#: 128 + SIGPIPE: whoever read the output went away (`| head`).
EXIT_BROKEN_PIPE = 141
