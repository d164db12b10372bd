"""Sheets for people: blind, safe to open, and read back whatever program saved them."""

import csv
import json
from pathlib import Path

import pytest
from evaluation_setting import response

from align.errors import InputError
from align.evaluation.grading_sheets import read_sheet, response_id, write_sheets

RESPONSES = [
    response("tea", "sft/epoch-05", "Steep it."),
    response("tea", "sft/epoch-06", "Steep it."),
    response("tea", "sft/epoch-07", '=HYPERLINK("http://evil.example", "Steep")\u2028it', asked="What is tea?"),
    response("egg", "sft/epoch-05", "Boil it; long,\nlong.", asked="How do I boil an egg?"),
]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def filled(path: Path, folder: Path, grades: dict[str, str], delimiter: str = ",") -> Path:
    """The sheet with a grade for each response that begins so, as a spreadsheet saves it."""
    target = folder / "filled.csv"
    with target.open("w", encoding="cp1252", errors="replace", newline="") as file:
        table = csv.DictWriter(file, ["id", "grade", "prompt", "response", "comment"], delimiter=delimiter)
        table.writeheader()
        for row in rows(path):
            start = next((start for start in grades if row["response"].lstrip("'").startswith(start)), None)
            table.writerow(row | {"grade": grades[start] if start else ""})
    return target


def test_a_sheet_does_not_say_who_answered_and_shows_an_equal_text_once(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    assert "epoch" not in sheet.read_text(encoding="utf-8")
    assert "sft" not in sheet.read_text(encoding="utf-8")
    assert sorted(row["response"].lstrip("'")[:5] for row in rows(sheet)) == ["=HYPE", "Boil ", "Steep"]
    assert all(row["grade"] == "" for row in rows(sheet))


def test_the_answers_to_one_prompt_stand_together_and_each_person_has_another_order(tmp_path: Path) -> None:
    several = [
        response(f"p{n}", f"sft/epoch-{e:02d}", f"{n} {e}", asked=f"Question {n}?") for e in range(5, 11) for n in range(5)
    ]
    one, two = write_sheets(tmp_path, several, 2, seed=1)
    for sheet in (one, two):
        asked = [row["prompt"] for row in rows(sheet)]
        assert len(asked) == 30
        assert sum(a != b for a, b in zip(asked, asked[1:], strict=False)) == 4  # five prompts, four changes
    assert [row["id"] for row in rows(one)] != [row["id"] for row in rows(two)]
    # nor does the order within a prompt follow the epochs
    assert [row["response"] for row in rows(one)] != sorted(row["response"] for row in rows(one))
    assert write_sheets(tmp_path / "again", several, 2, seed=1)[0].read_bytes() == one.read_bytes()


def test_a_spreadsheet_finds_neither_a_formula_nor_a_number_in_what_a_model_wrote(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    for row in rows(sheet):
        assert row["response"][0] not in "=+-@"
        assert row["id"][0] == "r"  # 12e4567890123456 would come back as infinity


def test_what_a_spreadsheet_saved_with_semicolons_and_decimal_commas_is_read(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    path = filled(sheet, tmp_path, {"Steep": "4,5", "=HYPE": "1", "Boil": " 6 "}, delimiter=";")
    given = read_sheet(path, RESPONSES, sheet)
    assert [given[response_id(item)] for item in RESPONSES] == [4.5, 4.5, 1.0, 6.0]


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "grades.jsonl"
    lines = [{"id": response_id(item), "grade": 3, "response": item.text} for item in RESPONSES]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")  # U+2028 within a line
    assert set(read_sheet(path, RESPONSES, tmp_path / "sheet.csv").values()) == {3.0}


@pytest.mark.parametrize(
    ("grades", "said"),
    [
        ({"Steep": "4", "Boil": "5"}, "grade '' is no number from 1 to 6"),
        ({"Steep": "4", "=HYPE": "7", "Boil": "5"}, "grade '7' is no number from 1 to 6"),
        ({"Steep": "nan", "=HYPE": "1", "Boil": "5"}, "grade 'nan' is no number"),
    ],
)
def test_a_grade_that_is_missing_or_none_is_told_with_its_row(tmp_path: Path, grades: dict[str, str], said: str) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    with pytest.raises(InputError, match=rf"filled.csv: row \d: {said}.*The sheet to fill in is .*sheet-1.csv"):
        read_sheet(filled(sheet, tmp_path, grades), RESPONSES, sheet)


def test_grades_of_other_answers_are_refused(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    path = filled(sheet, tmp_path, {"Steep": "4", "=HYPE": "1", "Boil": "5"})
    others = [*RESPONSES[:3], response("egg", "sft/epoch-05", "Fry it.", asked="How do I boil an egg?")]
    with pytest.raises(InputError, match="id 'r[0-9a-f]{16}' is none of these responses"):
        read_sheet(path, others, sheet)


def test_a_row_that_someone_deleted_is_missed(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    path = filled(sheet, tmp_path, {"Steep": "4", "=HYPE": "1", "Boil": "5"})
    gone = response_id(RESPONSES[0]).encode()
    path.write_bytes(b"\r\n".join(line for line in path.read_bytes().split(b"\r\n") if not line.startswith(gone)))
    with pytest.raises(InputError, match="1 of 3 responses have no row"):
        read_sheet(path, RESPONSES, sheet)


def test_a_file_that_is_no_sheet_says_what_is_lacking(tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("name,points\nAda,3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes.csv: has no column grade and id \(its first line: 'name,points'\)"):
        read_sheet(path, RESPONSES, tmp_path / "sheet.csv")


def test_a_sheet_that_nobody_has_filled_in_is_told_in_a_line(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, RESPONSES, 1, seed=1)
    with pytest.raises(InputError, match="none of its 3 rows has a grade yet; write one from 1 to 6 into each"):
        read_sheet(filled(sheet, tmp_path, {}), RESPONSES, sheet)
