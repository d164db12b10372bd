"""Start the server: `python -m curation_app --server.port=8501 ...`, as `align app` does.

It ends with whoever holds the other end of its standard input, so that neither a server nor a file with its secrets outlives a
killed `align app`.
"""

import os
import sys
import threading
from pathlib import Path

MAIN = Path(__file__).with_name("main.py")


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    if secrets := os.environ.get("ALIGN_APP_SECRETS"):
        Path(secrets).unlink(missing_ok=True)
    os._exit(0)


def _import_pages() -> None:
    """Import what the first visitor would wait for."""
    import curation_app.session  # noqa: F401
    from curation_app.views import found_pages

    found_pages()


if __name__ == "__main__":
    from streamlit.web import cli

    threading.Thread(target=_import_pages, daemon=True).start()

    if os.environ.get("ALIGN_APP_CHILD") == "1":
        threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["streamlit", "run", str(MAIN), *sys.argv[1:]]
    cli.main(prog_name="streamlit")
