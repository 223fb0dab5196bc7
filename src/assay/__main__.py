"""``python -m assay``."""

import os
import sys

if __name__ == "__main__":
    try:
        if sys.path[0] == os.getcwd() and not sys.flags.safe_path:
            del sys.path[0]  # where `-m` looks first: a random.py of the user's there is no library
    except OSError:  # the folder is gone
        pass
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback before the command answers Ctrl-C itself
    from assay.cli import main

    sys.exit(main())
