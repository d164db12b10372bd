"""The command line: draws what the modules below compute. Results on stdout, everything else on stderr.

Exit codes: 0 done, 1 the user's mistake (told in a line, no traceback), 2 usage, 3 our bug, 130 stopped with Ctrl-C.
Nothing heavy is imported here: each command imports what it uses.
"""

import os

from align.cli import curation, doctor, exporting, freezing, init, kinds, reading, running, serving, store
from align.cli.verbs import app

__all__ = ["app", "main"]

# In the order of the journey; `align --help` lists them so.
for _module in (init, running, reading, serving, curation, freezing, exporting, store, kinds, doctor):
    _module.register(app)


def main() -> None:
    """Entry point of the program `align`."""
    # Read when torch is loaded: its threads then sleep while they wait for each other. Spinning, which is the default, they
    # take five times as long where something else wants the cores too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app(prog_name="align")
