"""Draw docs/report.png, the picture of the quickstart's report in README.md.

    make quickstart                                      # its last line is the report's path
    .venv/bin/python docs/make_pictures.py PATH/report.html

Needs Chromium (`apt-get install -y chromium fonts-dejavu-core`); the page itself needs neither network nor scripts.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).parent / "report.png"
WIDTH, HEIGHT = 1280, 1400
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars",
)  # fmt: skip


def draw(page: Path, picture: Path) -> None:
    """Photograph the top of a page."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("no Chromium found: apt-get install -y chromium fonts-dejavu-core")
    with tempfile.TemporaryDirectory() as profile:
        shot = [f"--user-data-dir={profile}", f"--screenshot={picture}", f"--window-size={WIDTH},{HEIGHT}"]
        subprocess.run([browser, *QUIET, *shot, page.resolve().as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: python docs/make_pictures.py PATH/report.html")
    draw(Path(sys.argv[1]), PICTURE)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB", file=sys.stderr)  # noqa: T201
