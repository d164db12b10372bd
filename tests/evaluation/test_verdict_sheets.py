"""Sheets for comparing: blind, with sides drawn for each person, and read back whatever program saved them."""

import csv
import json
from pathlib import Path

import pytest
from evaluation_setting import response

from align.errors import InputError
from align.evaluation.pairing import Pair
from align.evaluation.verdict_sheets import HOW, check_people, read_sheet, write_sheets
from align.judges import pairwise_question

PAIRS = [
    Pair(
        response(f"p{n}", "sft", f"Boil egg {n}.", asked=f"Egg {n}?"), response(f"p{n}", "base", f"Egg {n}...", asked=f"Egg {n}?")
    )
    for n in range(40)
]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def save(path: Path, written: list[dict[str, str]], delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, errors="replace", newline="") as file:
        table = csv.DictWriter(file, written[0], delimiter=delimiter)
        table.writeheader()
        table.writerows(written)
    return path


def prefer_boiled(row: dict[str, str]) -> dict[str, str]:
    """The verdict for the model `sft`, whichever side it stands on."""
    return row | {"verdict": "1" if row["answer 1"].startswith("Boil") else "2"}


def test_a_sheet_names_neither_models_nor_sides(tmp_path: Path) -> None:
    sheets = write_sheets(tmp_path, PAIRS, 2, seed=1)
    for sheet in sheets:
        written = sheet.read_text(encoding="utf-8")
        assert "sft" not in written
        assert "base" not in written
        assert {row["verdict"] for row in rows(sheet)} == {""}
        # 40 throws of a coin: between 10 and 30 but for once in a thousand
        assert 10 < sum(row["answer 1"].startswith("Boil") for row in rows(sheet)) < 30


def test_each_person_has_another_order_and_other_sides_and_the_same_again(tmp_path: Path) -> None:
    one, two = write_sheets(tmp_path / "a", PAIRS, 2, seed=1)
    assert [row["request"] for row in rows(one)] != [row["request"] for row in rows(two)]
    first, second = ({row["request"]: row["answer 1"] for row in rows(sheet)} for sheet in (one, two))
    assert first.keys() == second.keys()
    assert 10 < sum(first[asked] != second[asked] for asked in first) < 30
    again = write_sheets(tmp_path / "b", PAIRS, 2, seed=1)
    assert [path.read_bytes() for path in again] == [one.read_bytes(), two.read_bytes()]
    other = write_sheets(tmp_path / "c", PAIRS, 1, seed=2)
    assert other[0].read_bytes() != one.read_bytes()


def test_an_id_follows_from_what_is_shown_alone(tmp_path: Path) -> None:
    renamed = [
        Pair(response(f"q{n}", "x", pair.one.text, asked=f"Egg {n}?"), response(f"q{n}", "y", pair.two.text, asked=f"Egg {n}?"))
        for n, pair in enumerate(PAIRS)
    ]
    [sheet], [other] = write_sheets(tmp_path / "a", PAIRS, 1, 1), write_sheets(tmp_path / "b", renamed, 1, 1)
    assert {row["id"] for row in rows(sheet)} == {row["id"] for row in rows(other)}


def test_two_pairs_of_the_same_texts_are_one_row_and_models_that_change_places_get_the_other_verdict(tmp_path: Path) -> None:
    turned = [
        Pair(response("p", "sft", "Tea", sample=0), response("p", "base", "Rice", sample=0)),
        Pair(response("p", "sft", "Rice", sample=1), response("p", "base", "Tea", sample=1)),
    ]
    [sheet] = write_sheets(tmp_path, turned, 1, 1)
    [row] = rows(sheet)
    said = "1" if row["answer 1"] == "Tea" else "2"
    found = read_sheet(save(tmp_path / "ada.csv", [row | {"verdict": said}]), sheet, turned, may_lack=False)
    # whoever prefers tea prefers sft in the first pair and base in the second
    preferred = [pair.texts(swapped)[filled.value == "second"] for pair, swapped, filled in found]
    models = [(pair.two if swapped != (filled.value == "second") else pair.one).model for pair, swapped, filled in found]
    assert preferred == ["Tea", "Tea"]
    assert models == ["sft", "base"]


def test_a_pair_of_equal_texts_is_read_once(tmp_path: Path) -> None:
    equal = [Pair(response("p", "sft", "Tea"), response("p", "base", "Tea"))]
    [sheet] = write_sheets(tmp_path, equal, 1, 1)
    given = save(tmp_path / "ada.csv", [row | {"verdict": "neither"} for row in rows(sheet)])
    assert [filled.value for _, _, filled in read_sheet(given, sheet, equal, may_lack=False)] == ["tie"]


def test_people_whose_sheets_were_mixed_up_are_still_understood(tmp_path: Path) -> None:
    one, two = write_sheets(tmp_path, PAIRS, 2, seed=1)
    ada = save(tmp_path / "ada.csv", [prefer_boiled(row) for row in rows(two)])  # the other one's sheet
    found = read_sheet(ada, one, PAIRS, may_lack=False)
    assert len(found) == 40
    assert all(filled.value == ("second" if swapped else "first") for _, swapped, filled in found)


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-8"), (",", "cp1252")])
def test_what_spreadsheets_save_is_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    [sheet] = write_sheets(tmp_path, PAIRS[:3], 1, 1)
    verdicts = ["1.0", " Neither ", "2,0"]
    written = [row | {"verdict": said, "comment": "schöner"} for row, said in zip(rows(sheet), verdicts, strict=True)]
    path = save(tmp_path / "ada.csv", written, delimiter, encoding)
    read = read_sheet(path, sheet, PAIRS[:3], may_lack=False)
    assert sorted(filled.value for _, _, filled in read) == ["first", "second", "tie"]
    assert {filled.comment for _, _, filled in read} == {"schöner"}


def test_json_lines_are_read_as_well(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, PAIRS[:2], 1, 1)
    path = tmp_path / "ada.jsonl"
    path.write_text("".join(json.dumps({"id": row["id"], "verdict": 2}) + "\n" for row in rows(sheet)), encoding="utf-8")
    assert {filled.value for _, _, filled in read_sheet(path, sheet, PAIRS[:2], may_lack=False)} == {"second"}


def test_an_answer_that_begins_like_a_formula_stays_a_text(tmp_path: Path) -> None:
    sly = [Pair(response("p", "sft", '=HYPERLINK("http://evil.example")'), response("p", "base", "+1"))]
    [sheet] = write_sheets(tmp_path, sly, 1, 1)
    [row] = rows(sheet)
    assert {row["answer 1"][0], row["answer 2"][0]} == {"'"}
    assert row["id"][0] == "p"  # digits alone would come back rounded


def test_no_cell_is_a_formula_where_semicolons_part_them_and_quotation_marks_hold_nothing(tmp_path: Path) -> None:
    said = 'first;=HYPERLINK("http://evil.example")\n@SUM(1)\t+1\n- an item\n--- a rule; and a smile ;-)'
    [sheet] = write_sheets(tmp_path, [Pair(response("p", "sft", said), response("p", "base", "no"))], 1, 1)
    lines = sheet.read_text(encoding="utf-8-sig").splitlines()
    cells = [cell for line in lines for cell in line.replace("\t", ";").split(";")]
    assert [cell for cell in cells if cell.strip()[:1] in ("=", "+", "@")] == []
    assert [cell for cell in cells if "an item" in cell] == ["- an item"]


def test_rows_of_commas_at_the_end_say_nothing(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, PAIRS[:2], 1, 1)
    path = tmp_path / "ada.csv"
    filled = [row | {"verdict": "1"} for row in rows(sheet)]
    lines = [",".join([row["id"], row["verdict"]]) for row in filled]
    path.write_text("\n".join(["id,verdict", *lines, ",", " , ,,"]) + "\n", encoding="utf-8")
    assert [item.value for _, _, item in read_sheet(path, sheet, PAIRS[:2], may_lack=False)] == ["first", "first"]


def change(written: list[dict[str, str]], case: str) -> list[dict[str, str]]:
    cases = {
        "both": [written[0] | {"verdict": "both"}, *written[1:]],
        "empty": [written[0] | {"verdict": ""}, *written[1:]],
        "unknown": [written[0] | {"id": "p0123456789abcdef"}, *written[1:]],
        "twice": [*written, written[0] | {"verdict": "neither"}],
        "missing": written[1:],
    }
    return cases[case]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("both", "row 1: verdict 'both' is none of 1, 2 and neither"),
        ("empty", "row 1: verdict '' is none of 1, 2 and neither"),
        ("unknown", "row 1: id 'p0123456789abcdef' is none of these pairs"),
        ("twice", r"row 41: id 'p[0-9a-f]{16}' has two verdicts, (first|second) and tie"),
        ("missing", "1 of 40 pairs have no row"),
    ],
)
def test_a_bad_sheet_is_told_with_its_row(tmp_path: Path, case: str, said: str) -> None:
    [sheet] = write_sheets(tmp_path, PAIRS, 1, 1)
    path = save(tmp_path / "ada.csv", change([prefer_boiled(row) for row in rows(sheet)], case))
    with pytest.raises(InputError, match=rf"verdicts: .*ada.csv: {said}.* The sheet to fill in is .*sheet-1.csv"):
        read_sheet(path, sheet, PAIRS, may_lack=False)


def test_rows_of_two_sheets_in_one_file_are_told(tmp_path: Path) -> None:
    one, two = write_sheets(tmp_path, PAIRS, 2, seed=1)
    path = save(tmp_path / "ada.csv", [prefer_boiled(row) for row in [*rows(one), *rows(two)]])
    with pytest.raises(InputError, match=r"shows the same texts as id 'p[0-9a-f]{16}': a row of another's sheet"):
        read_sheet(path, one, PAIRS, may_lack=False)


def test_a_part_is_enough_where_the_recipe_says_so_but_not_nothing(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, PAIRS, 1, 1)
    written = [prefer_boiled(row) if number < 5 else row for number, row in enumerate(rows(sheet))]
    assert len(read_sheet(save(tmp_path / "ada.csv", written[:20]), sheet, PAIRS, may_lack=True)) == 5
    with pytest.raises(InputError, match="none of its 40 rows has a verdict yet; write 1, 2 or neither into each"):
        read_sheet(save(tmp_path / "ben.csv", rows(sheet)), sheet, PAIRS, may_lack=True)


def test_one_file_cannot_be_two_people(tmp_path: Path) -> None:
    sheets = write_sheets(tmp_path / "files", PAIRS, 3, seed=1)
    ada, ben = tmp_path / "ada.csv", tmp_path / "ben.csv"
    with pytest.raises(InputError, match=r"ada.csv is named twice"):
        check_people((ada, ben, ada), sheets)
    ada.write_bytes(sheets[0].read_bytes())
    check_people((ada, ben), sheets[:2])  # Ben is still waited for
    ben.write_bytes(sheets[1].read_bytes())
    check_people((ada, ben), sheets[:2])
    ben.write_bytes(ada.read_bytes())
    with pytest.raises(InputError, match=r"ada.csv and \S*ben.csv are the same, row by row"):
        check_people((ada, ben), sheets[:2])
    check_people((ada, ben), (sheets[0], sheets[0]))


def test_a_copy_that_was_saved_anew_with_comments_is_no_second_person(tmp_path: Path) -> None:
    sheets = write_sheets(tmp_path / "files", PAIRS, 2, seed=1)
    filled = [prefer_boiled(row) for row in rows(sheets[0])]
    ada = save(tmp_path / "ada.csv", filled)
    ben = save(tmp_path / "ben.csv", [row | {"comment": "so I think"} for row in reversed(filled)], delimiter=";")
    with pytest.raises(InputError, match="are the same, row by row"):
        check_people((ada, ben), sheets)
    of_his_own = save(tmp_path / "ben.csv", [prefer_boiled(row) for row in rows(sheets[1])])
    check_people((ada, of_his_own), sheets)  # they agree in everything, each on a sheet of their own


def test_a_file_without_a_row_is_nobodys_verdict_even_where_rows_may_be_left_out(tmp_path: Path) -> None:
    [sheet] = write_sheets(tmp_path, PAIRS, 1, 1)
    path = tmp_path / "ada.csv"
    path.write_text("id,verdict\n", encoding="utf-8")
    with pytest.raises(InputError, match="none of its 0 rows has a verdict yet"):
        read_sheet(path, sheet, PAIRS, may_lack=True)
    with pytest.raises(InputError, match="40 of 40 pairs have no row"):
        read_sheet(path, sheet, PAIRS, may_lack=False)


def test_people_and_judge_models_are_asked_in_the_same_words() -> None:
    for words in ("SITUATION", "CRITERION", "STEERING"):
        assert getattr(pairwise_question, words) in pairwise_question.RULES
        assert getattr(pairwise_question, words) in HOW
    meaning = "if answer 1 is significantly better, {} if answer 2 is significantly better, and {} if neither of them is"
    assert meaning.format('"second"', '"neither"') in pairwise_question.RULES
    assert meaning.format("2", "neither") in HOW
