"""Small Posts.xml files for tests."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'


def row(**attributes: object) -> str:
    """One row in the form of the dumps; newlines become `&#xA;`."""
    values = {name: quoteattr(str(value), {"\n": "&#xA;", '"': "&quot;"}) for name, value in attributes.items()}
    return "  <row " + " ".join(f"{name}={value}" for name, value in values.items()) + " />\n"


def question(number: int, **attributes: object) -> str:
    defaults: dict[str, object] = {
        "Id": number,
        "PostTypeId": 1,
        "CreationDate": "2019-05-01T10:00:00.000",
        "Score": 5,
        "ViewCount": 100,
        "Body": f"<p>body {number}</p>",
        "OwnerUserId": 7,
        "LastActivityDate": "2019-06-01T10:00:00.000",
        "Title": f"title {number}?",
        "Tags": "<yeast><hops>",
    }
    return row(**{name: value for name, value in (defaults | attributes).items() if value is not None})


def answer(number: int, parent: int, score: int, **attributes: object) -> str:
    defaults: dict[str, object] = {
        "Id": number,
        "PostTypeId": 2,
        "ParentId": parent,
        "CreationDate": "2019-05-02T10:00:00.000",
        "Score": score,
        "Body": f"<p>answer {number}</p>",
        "OwnerUserId": 8,
        "LastActivityDate": "2019-05-02T10:00:00.000",
    }
    return row(**{name: value for name, value in (defaults | attributes).items() if value is not None})


def write_posts(folder: Path, *rows: str, name: str = "Posts.xml", head: str = HEAD, tail: str = "</posts>\n") -> Path:
    """Write a table into `folder`, which is made; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(head + "".join(rows) + tail, encoding="utf-8", newline="")
    return path
