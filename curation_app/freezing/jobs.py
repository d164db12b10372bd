"""Work that takes long runs as the command line would run it, in a process of its own; its log is shown as it comes."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from curation_app.session import Project

LINES = 12
"""So many of the last lines are shown."""


def run_align(project: Project, person: str, title: str, arguments: Sequence[str]) -> bool:
    """Run one verb on the project's store as a lead; whether it was done. One that was stopped goes on when run again."""
    project.store.allow(person, f"align {arguments[0]}", " ".join(arguments[1:])[:500])
    command = [sys.executable, "-m", "align", *arguments, "--store", project.desk.store]
    with st.status(title, expanded=True) as status:
        shown = st.empty()
        lines: list[str] = []
        with subprocess.Popen(
            command, env=os.environ | {"COLUMNS": "120"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                shown.code("\n".join(lines[-LINES:]), language=None, wrap_lines=True)
        done = process.returncode == 0
        if process.returncode < 0:  # whoever is killed writes nothing about it
            lines.append(f"align was ended by {signal_of(-process.returncode)}. It goes on where it was when run again:")
            lines.append(shlex.join(command))
            shown.code("\n".join(lines[-LINES:]), language=None, wrap_lines=True)
        status.update(label=title if done else f"{title}: not done", state="complete" if done else "error", expanded=not done)
    return done


def signal_of(number: int) -> str:
    """`signal 9 (SIGKILL)`, with what that mostly means where it is that one."""
    name = f" ({signal.Signals(number).name})" if number in set(signal.Signals) else ""
    return f"signal {number}{name}{', as a machine does that is out of memory' if number == signal.SIGKILL else ''}"


def recipe_arguments(project: Project) -> list[str]:
    """The recipe with its curate stage reading this database, whatever file it names by itself."""
    return [str(Path(project.desk.recipe)), "--set", f"stages.{project.desk.stage}.decisions=database"]
