"""Turn the readable sources in authored/ into the sample data, in the formats in which such data is published.

    python build.py          writes stack_exchange/, preferences/ and the *.jsonl files beside this script
    python build.py --check  rebuilds elsewhere, compares, and verifies what README.md promises of the data

Six invented Stack Exchange sites become data dumps of different years, with the quirks of those years:
7z archives, folders, lower-case names, DOCTYPE, BOM, CRLF, rows out of order, `|a|b|` tags. Everything that an
author did not write down (times, views, reputation) follows from the site and the post's id, so a rebuild gives
the same files. Only an archive's bytes may differ between versions of py7zr; its members do not.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from builder.checks import check
from builder.dumps import write_site
from builder.json_files import json_files, write_json_lines
from builder.sources import SITES, read_site

HERE = Path(__file__).resolve().parent

log = logging.getLogger("build")


def main() -> int:
    """Write the samples, or check them; the exit status says whether all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="verify the checked-in files instead")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    if not arguments.check:
        build(HERE)
        return 0
    problems = list(check(HERE, build))
    for problem in problems:
        log.error("problem: %s", problem)
    log.info("%d problems", len(problems))
    return 1 if problems else 0


def build(target: Path) -> None:
    """Write every sample file below `target`."""
    for key in SITES:
        write_site(read_site(key), target / "stack_exchange")
    for name, rows in json_files().items():
        write_json_lines(target / name, rows)


if __name__ == "__main__":
    raise SystemExit(main())
