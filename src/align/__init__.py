"""align: from raw dumps to a judged model. `align.load_run` reads what a recipe made."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

# Read when Arrow is loaded. Its own pool takes some 40 MB more in every process and a tenth of a second or two to get them, which
# is what all of a small dump takes.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

try:
    __version__ = version("align-lm")
except PackageNotFoundError:  # run from a source tree without installation
    __version__ = "0"

if TYPE_CHECKING:
    from align.lineage import Run, load_run

__all__ = ["Run", "__version__", "load_run"]


def __getattr__(name: str) -> Any:
    """Import the public API on first use, so that `import align` stays cheap."""
    if name in {"Run", "load_run"}:
        import align.lineage

        return getattr(align.lineage, name)
    raise AttributeError(f"module 'align' has no attribute {name!r}")
