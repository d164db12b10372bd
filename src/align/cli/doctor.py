"""align doctor."""

import typer

from align.cli.verbs import AsJson, StoreFolder, print_json, print_table, store_of, verb


def register(app: typer.Typer) -> None:
    verb(app, "doctor", "align doctor")(doctor)


def doctor(store: StoreFolder = None, as_json: AsJson = False) -> None:
    """Say what this machine can do, and what is missing."""
    from align.machine import examine

    findings = examine(store_of(store))
    if as_json:
        print_json(findings)
        return
    rows = [["ok" if item.is_there else "missing", item.name, item.found, item.meaning] for item in findings]
    print_table(["", "what", "found", "for"], rows)
