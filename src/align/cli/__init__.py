"""The command line: draws what the modules below compute. Results on stdout, everything else on stderr.

Exit codes: 0 done, 1 the user's mistake (told in a line, no traceback), 2 usage, 3 our bug, 130 stopped with Ctrl-C.
Nothing heavy is imported here: each command imports what it uses.
"""

from align.cli import doctor, init, kinds, reading, running, store
from align.cli.verbs import app

__all__ = ["app", "main"]

# In the order of the journey; `align --help` lists them so.
for _module in (init, running, reading, store, kinds, doctor):
    _module.register(app)


def main() -> None:
    """Entry point of the program `align`."""
    app(prog_name="align")
