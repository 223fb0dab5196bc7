"""Registers: ``PYTHONPATH=src:tests/helpers:tests/engines python tests/long/registers.py``.

Every kernel of the numba engine, in registers of any width and number, against the reference engine; products
that leave out zeros, against those that do not. A file of registers takes some seconds to compile for. The
exit status says whether one disagreed.
"""

import subprocess
import sys
from itertools import product

from register_files import EVERY_KERNEL, agrees_in

failed = 0
for width, count in product((16, 32, 64), (16, 32)):
    file = f"{width}, {count}"
    try:
        right = agrees_in(file, EVERY_KERNEL)
    except subprocess.CalledProcessError as error:
        print(error.stderr)
        right = False
    failed += not right
    print(f"{count} registers of {width} bytes: {'agrees' if right else 'DISAGREES'}", flush=True)
print(f"{failed} disagree")
sys.exit(failed > 0)
