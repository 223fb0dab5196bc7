"""``python -m assay``."""

import signal
import sys

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback before the command answers Ctrl-C itself
    from assay.cli import main

    sys.exit(main())
