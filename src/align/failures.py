"""What went wrong in another process, told so that this one can raise it anew."""

import traceback
from pathlib import Path
from typing import Any

from align import errors
from align.errors import AlignError, PartError
from align.files import disk_error, is_full
from align.parts import plugin_fault


class ProcessFailed(Exception):
    """A bug that showed in one of several processes; its traceback is the cause."""


class TracebackThere(Exception):
    """The traceback of another process, as text."""


def report_of(error: Exception, folder: Path) -> dict[str, Any]:
    """What went wrong, whose fault it is, and all that the other process needs; `folder` is where this one writes."""
    told = error
    if not isinstance(error, AlignError):
        fault = plugin_fault(error)
        told = (
            disk_error(folder, error)
            if is_full(folder, error)
            else PartError(f"the plugin failed at {fault}")
            if fault
            else error
        )
    plain = f"{type(told).__name__}: {told}"
    said = str(told) if isinstance(told, AlignError) else str(getattr(told, "strerror", None) or plain)
    number = told.errno if isinstance(told, OSError) else None
    return {
        "is_refusal": isinstance(told, AlignError) or number is not None,
        "kind": type(told).__name__,
        "said": said,
        "errno": number,
        "filename": str(getattr(error, "filename", None) or ""),
        "traceback": "".join(traceback.format_exception(error)),
    }


def refusal_of(report: dict[str, Any]) -> Exception:
    """The error as it was raised there: an AlignError by its name, or one of the system's."""
    if report["errno"] is not None:
        return OSError(report["errno"], report["said"], report["filename"])
    kind = getattr(errors, report["kind"], AlignError)
    error: Exception = kind(report["said"])
    return error
