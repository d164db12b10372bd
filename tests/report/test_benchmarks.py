"""Benchmarks on the page: beside chance, beside the model before, and without what was in the training set."""

from pathlib import Path

from fake_run import Make, lineage
from test_report import page_in, report

from align.artifact import Artifact
from align.records import Measurement


def asked(make: Make, figures: list[Measurement]) -> list[Artifact]:
    sft, dpo = make("sft", "sft"), make("dpo", "dpo")
    tasks = [
        {"kind": "multiple_choice", "name": "birds", "shots": 5, "chat_template": False},
        {"kind": "open_answer", "name": "sums", "shots": 1, "chat_template": True},
    ]
    return [sft, dpo, make("academic", "academic", figures, (), {"models.0": sft, "models.1": dpo}, parameters={"tasks": tasks})]


FIGURES = [
    Measurement("chance", "birds", 0.25, count=100),
    Measurement("accuracy_by_letter", "sft on birds", 0.3, 0.22, 0.40, 100),
    Measurement("accuracy_by_letter", "sft on birds/owls", 0.5, 0.3, 0.7, 20),
    Measurement("accuracy_by_letter_clean", "sft on birds", 0.28, 0.2, 0.38, 90),
    Measurement("accuracy_by_letter", "dpo on birds", 0.5, 0.40, 0.60, 100),
    Measurement("accuracy_by_letter_change", "dpo against sft on birds", 0.2, 0.1, 0.3, 100, "30 gained, 10 lost"),
    Measurement("accuracy_by_number", "sft on sums", 0.0, 0.0, 0.1, 30),
    Measurement("accuracy_by_number", "dpo on sums", 0.1, 0.02, 0.2, 30),
    Measurement("accuracy_by_number_change", "dpo against sft on sums", 0.1, -0.02, 0.2, 30),
]


def test_the_page_says_what_can_be_told_from_chance_and_from_the_model_before(make: Make, tmp_path: Path) -> None:
    text = report(asked(make, FIGURES), tmp_path).text
    assert (
        "birds: accuracy by letter, 5 shots: sft 30 % (22–40) and dpo 50 % (40–60), by chance 25 %. 100 questions. sft cannot be told from chance."
        in text
    )
    assert "dpo against sft: +20 points (+10 to +30) on the same questions, a change." in text
    assert "Without what stands in the training set sft has 28 % (20–38)." in text
    assert "sums: accuracy by the last number, 1 shot: sft 0 % (0–10) and dpo 10 % (2–20). 30 questions." in text
    assert "dpo against sft: +10 points (−2 to +20) on the same questions, cannot be told from no change." in text
    # the table: chance 25 lies inside 22 to 40, below 40 to 60
    assert (
        "birds academic Accuracy by letter 5 plain text 100 25 % sft 30 % (22–40) cannot be told from chance 28 % (20–38)" in text
    )
    assert "dpo 50 % (40–60) better than chance not looked for" in text
    assert "sums academic Accuracy by the last number 1 chat 30 unknown sft 0 % (0–10) chance is unknown not looked for" in text
    assert "sft on birds/owls Accuracy by letter 50 % (30–70) 20" in text


def test_a_model_below_chance_is_told(make: Make, tmp_path: Path) -> None:
    figures = [
        Measurement("chance", "birds", 0.5, count=100),
        Measurement("accuracy_by_letter", "sft on birds", 0.3, 0.2, 0.4, 100),
    ]
    figures += FIGURES[6:]
    assert "worse than chance" in report(asked(make, figures), tmp_path).text


def test_where_all_questions_stand_in_the_training_set_none_is_left(make: Make, tmp_path: Path) -> None:
    artifacts = asked(make, [figure for figure in FIGURES if not figure.metric.endswith("_clean")])
    assert "no question is left" not in report(artifacts, tmp_path).text
    artifacts[-1].manifest["named"]["contamination.0"] = lineage(artifacts[0])
    text = report(artifacts, tmp_path).text
    assert ("no question is left" in text, "not looked for" in text) == (True, False)


def test_its_figures_stand_nowhere_else_and_a_run_without_benchmarks_has_no_section(make: Make, tmp_path: Path) -> None:
    report(asked(make, FIGURES), tmp_path)
    page = page_in(tmp_path)
    headings = [values.get("id") for tag, values in page.tags if tag == "h2"]
    assert "benchmarks" in headings
    assert "other" not in headings
    (tmp_path / "without").mkdir()
    report([make("lone", "sft")], tmp_path / "without")
    assert 'id="benchmarks"' not in (tmp_path / "without" / "report.html").read_text(encoding="utf-8")
