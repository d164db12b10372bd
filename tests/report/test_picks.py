"""Which epoch was picked, on the page and in words."""

from pathlib import Path

import pytest
from fake_run import Make, example
from test_report import page_in, report

from align.artifact import Artifact
from align.records import Measurement
from align.report.figures import pick_chart
from align.report.journey import measured_figures, stage_facts
from align.report.picks import pick_facts


def picked(make: Make, leads: dict[int, tuple[float, float]], perplexities: bool = True) -> list[Artifact]:
    """Epoch 7 of three is picked with the mean grade 4; `leads` gives what it is ahead of each other by, and from where."""
    dev = make("dev", "ingest", [example("dev", n, f"Question {n}?", "") for n in range(50)])
    sft = make("sft", "sft")
    rows = [
        Measurement("perplexity", f"sft/epoch-{epoch:02d}", float(epoch), epoch - 0.5, epoch + 0.5, 200) for epoch in (5, 6, 7)
    ]
    perplexity = make("perplexity", "perplexity", rows, [dev], {"model": sft})
    figures = [Measurement("helpfulness", f"sft/epoch-{epoch:02d}", 4 - lead, 3.0, 5.0, 50) for epoch, (lead, _) in leads.items()]
    figures.append(Measurement("helpfulness", "sft/epoch-07", 4.0, 3.6, 4.4, 50))
    figures += [
        Measurement("helpfulness_difference", f"sft/epoch-07 against sft/epoch-{epoch:02d}", lead, low, 2 * lead - low, 50)
        for epoch, (lead, low) in leads.items()
    ]
    figures.append(Measurement("picked_epoch", "sft", 7.0, count=50, method="highest mean grade by 2 people; of epochs 5, 6, 7"))
    named = {"model": sft} | ({"held_out": perplexity} if perplexities else {})
    return [dev, sft, perplexity, make("picked", "pick_checkpoint", figures, [dev], named)]


def test_the_page_says_which_epoch_was_picked_and_from_which_it_was_not_told_apart(make: Make, tmp_path: Path) -> None:
    text = report(picked(make, {5: (1.0, 0.4), 6: (0.25, -0.1)}), tmp_path).text
    assert "Of sft, the model after epoch 7 was picked by its answers: mean grade 4.00 (3.60–4.40) of 6" in text
    assert (
        "Its answers cannot be told from those of epoch 6. 50 prompts; the best of 3 was taken, so its lead is flattered." in text
    )
    assert "Perplexity was not asked (LIMA §3)" in text
    assert "picked is sft after epoch 7. It rests on the answers to 50 prompts: highest mean grade by 2 people" in text
    # epoch 5: ahead by 1, from 0.4 to 1.6; epoch 6: by 0.25, from -0.1 to 0.6
    assert "5 3.00 (3.00–5.00) 1.00 (0.40–1.60) yes 5.00 (4.50–5.50)" in text
    assert "6 3.75 (3.00–5.00) 0.250 (−0.100–0.600) no 6.00 (5.50–6.50)" in text
    assert "7 (picked) 4.00 (3.60–4.40) – – 7.00 (6.50–7.50)" in text


@pytest.mark.parametrize(
    ("leads", "said"),
    [
        ({5: (1.0, 0.4), 6: (1.0, 0.1)}, "told apart from those of every other epoch"),
        ({5: (1.0, -0.4), 6: (1.0, 0.0)}, "cannot be told from those of any other epoch: another pick would have been as good"),
    ],
)
def test_all_told_apart_and_none(make: Make, tmp_path: Path, leads: dict[int, tuple[float, float]], said: str) -> None:
    assert said in report(picked(make, leads), tmp_path).text


def test_the_picked_model_is_a_model_and_its_prompts_are_for_evaluation(make: Make, tmp_path: Path) -> None:
    stages = {stage.name: stage.role for stage in stage_facts(picked(make, {5: (1.0, 0.4)}))}
    assert (stages["picked"], stages["dev"]) == ("models", "evaluation")


def test_the_figure_has_a_panel_for_perplexity_only_if_it_was_measured(make: Make, tmp_path: Path) -> None:
    artifacts = picked(make, {5: (1.0, 0.4), 6: (0.25, -0.1)}, perplexities=False)
    [alone] = pick_facts(stage_facts(artifacts), measured_figures(artifacts))
    assert [row.perplexity for row in alone.rows] == [None, None, None]
    drawn = pick_chart(alone, "#3f7fbf")
    assert "mean grade" in drawn
    assert "perplexity" not in drawn
    report(artifacts, tmp_path)
    assert page_in(tmp_path).text.count("Perplexity was not asked") == 0
