"""`python -m generated_dumps FOLDER --pairs N`."""

import argparse
from pathlib import Path

from generated_dumps import __doc__ as says
from generated_dumps import write_dumps

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(
        prog="generated_dumps", description=says, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path)
    arguments.add_argument(
        "--pairs", type=int, default=700, help="question-answer pairs in each group that pass LIMA's rules (default 700)"
    )
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    write_dumps(asked.folder, asked.pairs, asked.seed)
