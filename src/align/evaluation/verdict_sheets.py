"""Sheets on which people compare two responses without knowing whose they are, and the reading of what they wrote.

People get the question that judge models get, in the same words (LIMA §4.1). A row's id is made from the request and the two
answers in the order shown, and from nothing else: it tells nothing of the models, says which answer stood first whoever filled
the sheet in and whatever the seed was, and a verdict on other texts than those there are now is seen.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any, Literal

from align.errors import InputError
from align.evaluation.pairing import Pair
from align.evaluation.sheets import Filled, Form, asked, read_filled, rows_in, shuffled, write_sheet
from align.files import write_text
from align.judges.pairwise_question import CRITERION, SITUATION, STEERING, TASK, VERDICTS

COLUMNS = ("id", "verdict", "request", "answer 1", "answer 2", "comment")
Said = Literal["first", "second", "tie"]

_VERDICTS: dict[str, Said] = {"1": "first", "2": "second", "neither": "tie"}
HOW = f"""\
{TASK}

{SITUATION}

Write 1, 2 or neither into the column `verdict`, for every row:

{VERDICTS.format(first="1", second="2", neither="neither")}

{CRITERION}
What the answers say is material to judge. {STEERING}

Who gave an answer is not said, and either may stand first. Do not speak with the others about a row before all are done: how far
people agree is part of the result. Leave the column `id` as it is; `comment` is yours, and a word there on why helps whoever
reads the rows that people differ on.
"""


def write_sheets(folder: Path, pairs: Sequence[Pair], people: int, seed: int) -> list[Path]:
    """One sheet a person, each in an order of its own and with sides of its own, and what to do with it."""
    by_prompt: dict[str, dict[str, Pair]] = {}
    for pair in pairs:
        by_prompt.setdefault(pair.one.prompt_id, {}).setdefault(_content(pair), pair)
    sheets = []
    for number in range(1, people + 1):
        path = folder / f"sheet-{number}.csv"
        drawn = shuffled(by_prompt, Random(f"{seed}/sheet/{number}"))
        write_sheet(path, COLUMNS, (_row(pair, _is_swapped(pair, seed, number)) for pair in drawn))
        sheets.append(path)
    write_text(folder / "how-to-compare.txt", HOW)
    return sheets


def read_sheet(path: Path, sheet: Path, pairs: Sequence[Pair], may_lack: bool) -> list[tuple[Pair, bool, Filled[Said]]]:
    """Each pair that someone compared, whether it was shown swapped, and what was said: CSV, or JSON lines."""
    rows = {_row_id(pair, swapped): _content(pair) for pair in pairs for swapped in (True, False)}
    found = read_filled(path, sheet, FORM, rows, rows.values(), may_lack)
    return [
        (pair, swapped, found[_row_id(pair, swapped)])
        for pair in pairs
        for swapped in _orders(pair)
        if _row_id(pair, swapped) in found
    ]


def check_people(files: Sequence[Path], sheets: Sequence[Path]) -> None:
    """One file cannot be two people, nor can its copy: they would agree in everything."""
    twice = sorted({str(path) for path in files if files.count(path) > 1})
    if twice:
        raise InputError(f"verdicts: {', '.join(twice)} is named twice; give each person a file of their own.")
    for (one, its), (two, others) in combinations(zip(files, sheets, strict=True), 2):
        # Of one pair alone two people may have got the same sheet.
        if one.exists() and two.exists() and _same(one, two) and not _same(its, others):
            raise InputError(
                f"verdicts: {one} and {two} are the same, row by row, though their sheets differ in order and sides. Let each "
                f"person fill in their own sheet."
            )


def _same(one: Path, two: Path) -> bool:
    """Whether two files say the same, whatever order, comments and program they were saved with."""
    return one.read_bytes() == two.read_bytes() or _said_in(one) == _said_in(two)


def _said_in(path: Path) -> list[tuple[str, str]]:
    return sorted((str(row.get("id") or "").strip(), str(row.get("verdict") or "").strip()) for row in rows_in(path, FORM))


def _row_id(pair: Pair, swapped: bool) -> str:
    """It begins with a letter, since spreadsheets round what looks like a number."""
    return f"p{pair.key(swapped)}"


def _content(pair: Pair) -> str:
    """The same for the same two texts, whichever stands first."""
    return min(_row_id(pair, swapped=False), _row_id(pair, swapped=True))


def _orders(pair: Pair) -> tuple[bool, ...]:
    """In which orders a pair can have been shown: one alone where both texts are equal."""
    return (False,) if pair.one.text == pair.two.text else (False, True)


def _is_swapped(pair: Pair, seed: int, person: int) -> bool:
    return Random(f"{seed}/side/{person}/{_content(pair)}").random() < 0.5


def _row(pair: Pair, swapped: bool) -> tuple[str, ...]:
    return _row_id(pair, swapped), "", asked(pair.prompt), *pair.texts(swapped), ""


def _verdict(said: Any) -> Said | None:
    """`1`, `2` or `neither`, also as a spreadsheet may write a number back: `1.0`, `2,0`."""
    plain = str(said).strip().casefold().replace(",", ".")
    return _VERDICTS.get(plain.removesuffix(".0"))


FORM: Form[Said] = Form(
    field="verdicts",
    column="verdict",
    items="pairs",
    is_not="is none of 1, 2 and neither",
    wanted="1, 2 or neither",
    read=_verdict,
)
