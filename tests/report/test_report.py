"""The stage: facts, page and what must never reach it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_run import Make, answer, example, maker, whole

from align.artifact import Artifact, Counts
from align.files import read_records
from align.records import Measurement, Response, TrainingStep, Turn
from align.report.report import Report
from align.stage import Inputs

VOID = {"meta", "br", "img", "input", "link", "hr", "col"}


class Page(HTMLParser):
    """Reads a page strictly: every tag closed in order; keeps tags, attributes and the text people see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        joined = " ".join(" ".join(self.words).replace("\u2060", "").replace("\u00a0", " ").split())
        return re.sub(r" (?=[.,)])", "", joined)


def page_in(work: Path) -> Page:
    return Page((work / "report.html").read_text(encoding="utf-8"))


def report(artifacts: list[Artifact], work: Path, **fields: object) -> Page:
    Report(**fields).run(Inputs(tuple(artifacts)), work)
    return page_in(work)


def test_the_page_is_whole_and_names_every_stage(whole_run, whole_report):
    page = page_in(whole_report)
    assert "Clocks and kites" in page.text
    assert "A small run." in page.text
    for artifact in whole_run:
        assert artifact.name in page.text
        assert artifact.key in page.text
        assert artifact.content in page.text


def test_nothing_is_loaded_and_nothing_runs(whole_report):
    page = page_in(whole_report)
    assert not {"script", "link", "iframe", "img", "object", "embed", "base", "form"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in ("src", "href", "xlink:href", "action", "data", "poster"):
                assert tag == "a", (tag, name, value)
                assert (value or "").startswith(("#", "https://")), value
            assert name.startswith("xmlns") or tag == "a" or "//" not in (value or ""), (tag, name, value)
    html = (whole_report / "report.html").read_text(encoding="utf-8")
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_every_jump_on_the_page_has_its_goal(whole_report):
    page = page_in(whole_report)
    goals = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    jumps = {
        str(attributes["href"])[1:] for tag, attributes in page.tags if tag == "a" and str(attributes["href"]).startswith("#")
    }
    assert jumps <= goals


def test_links_leave_without_telling_from_where(whole_report):
    page = page_in(whole_report)
    away = [attributes for tag, attributes in page.tags if tag == "a" and str(attributes["href"]).startswith("http")]
    assert away
    assert all("noopener" in str(attributes["rel"]) for attributes in away)


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}</style><svg onload=alert(3)> javascript:alert(4)'


def test_hostile_text_stays_text_wherever_it_stands(make, tmp_path):
    asked = example("site", 1, HOSTILE, "", ("sensitive",))

    bad_origin = replace(asked.origin, url="javascript:alert(5)", source=HOSTILE)
    bad = replace(asked, id=f"x/{HOSTILE}/1", origin=bad_origin, turns=(Turn("user", HOSTILE), Turn("assistant", HOSTILE)))
    data = make(
        "data", "ingest", [bad], counts=Counts(5, 1, {HOSTILE: 4}, {HOSTILE: 2}, {HOSTILE: 1}), parameters={HOSTILE: HOSTILE}
    )
    steps = [TrainingStep(n, n, "loss", 1.0) for n in range(3)]
    model = make("model", "sft", [*steps, Measurement(HOSTILE, HOSTILE, 1.0, 0.5, 2.0, 3, HOSTILE)], [data])
    measured = [
        Measurement(name, HOSTILE, 0.5, 0.1, 0.9, 3, HOSTILE)
        for name in ("eot_rate", "win_rate", "safe_preferred", "wins", "losses")
    ]
    answers = make(
        "answers", "generate", [Response(bad.id, HOSTILE, (*bad.turns[:1], Turn("assistant", HOSTILE)), "{}"), *measured], [data]
    )
    page = report([data, model, answers], tmp_path, title=HOSTILE, description=HOSTILE)
    assert {"script", "img"}.isdisjoint(tag for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not any("javascript" in str(attributes.get("href")) for _, attributes in page.tags)
    assert "alert(1)" in page.text
    assert "{{ 7*7 }}" in page.text


def test_a_very_long_answer_is_cut_and_says_so(make, tmp_path):
    asked = example("site", 1, "word " * 20_000, "")
    prompts = make("prompts", "ingest", [asked])
    answers = make("answers", "generate", [answer(asked, "sft", "x" * 100_000)], [prompts])
    page = report([prompts, answers], tmp_path)
    # 100,000 characters less the 1,200 that are shown
    assert "98,800 characters more" in page.text
    assert (tmp_path / "report.html").stat().st_size < 60_000
    assert (tmp_path / "files" / "report.json").stat().st_size < 10_000


def test_sections_of_what_was_not_done_say_so(make, tmp_path):
    page = report([make("data", "ingest", [example("clocks", n) for n in range(3)])], tmp_path)
    for said in (
        "No stage of this run fine-tuned a model.",
        "No stage of this run looked for evaluation texts",
        "No stage of this run trained a model.",
        "Perplexity was not measured.",
        "No stage of this run let a model answer prompts.",
        "No stage of this run compared models.",
        "No stage of this run measured safety.",
        "3 records left after the last stage, data. No model was trained.",
    ):
        assert said in page.text, said


def test_a_report_of_nothing_is_a_page_too(make, tmp_path):
    assert "Nothing was kept" in report([], tmp_path / "none").text
    assert (
        "Nothing was kept"
        in report([make("data", "ingest", counts=Counts(7, 0, skipped={"unanswered": 7}))], tmp_path / "empty").text
    )


def test_equal_runs_give_equal_facts_byte_for_byte(whole_report, tmp_path):
    # the same run, made again elsewhere
    again = whole(maker(tmp_path / "store"))
    stage = Report(title="Clocks and kites", description="A small run.")
    assert stage.run(Inputs(tuple(again)), tmp_path / "again").kept == len(again)
    one, two = ((work / "files" / "report.json").read_bytes() for work in (whole_report, tmp_path / "again"))
    assert one == two


def test_facts_hold_no_times_and_no_places(whole_run, whole_report):
    text = (whole_report / "files" / "report.json").read_text(encoding="utf-8")
    assert "2024-05-01" not in text
    assert "seconds" not in text
    assert "/home/somebody" not in text
    assert str(whole_run[0].path.parent) not in text
    # the page itself may say the file's name, never its folder
    html = (whole_report / "report.html").read_text(encoding="utf-8")
    assert "clocks.7z" in html
    assert "/home/somebody" not in html


def test_figures_on_the_page_are_the_measurements(whole_run, whole_report):
    page = page_in(whole_report)
    # eot_rate of sft: 0.9 in (0.6, 0.98); win_rate 0.6 in (0.34, 0.81); perplexity of epoch 3: 40 - 9 + 4.5
    for said in ("90 % (60–98)", "60 % (34–81)", "35.5", "39.2 (30.0–50.0)", "88 % (69–96)", "12,345", "60 % (30–85)"):
        assert said in page.text, said
    facts = json.loads((whole_report / "files" / "report.json").read_text(encoding="utf-8"))
    told = {
        (item["stage"], item["figure"]["metric"], item["figure"]["subject"]): item["figure"]["value"]
        for item in facts["measured"]
    }
    for artifact in whole_run:
        for figure in read_records(artifact.path, Measurement):
            assert told[artifact.name, figure.metric, figure.subject] == figure.value


def test_the_funnel_tells_counts_and_reasons(whole_report):
    text = page_in(whole_report).text
    assert "dump ingest 90 60 never formed: unanswered 30" in text
    assert "rules filter 60 12 length: too short 40 score: below 8" in text
    # 48 by the rules, 1 contaminated, 5 not drawn
    assert "54 examples dropped on the way" in text


def test_a_diverged_training_is_told_and_not_drawn(make, tmp_path):
    data = make("data", "ingest", [example("clocks", 1)])
    steps = [TrainingStep(n, n, "loss", float("nan") if n > 2 else 3.0) for n in range(1, 6)]
    sft = make("sft", "sft", [*steps, Measurement("final_loss", "train", float("nan"))], [data])
    page = report([data, sft], tmp_path)
    assert "3 steps gave no number: this training diverged" in page.text
    assert "not a number" in page.text
    assert json.loads((tmp_path / "files" / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_five_models_stand_side_by_side(make, tmp_path):
    prompts = [example("clocks", n, f"Question {n}?", "") for n in range(3)]
    test = make("test", "ingest", prompts)
    names = ["tiny", "small", "middle", "large", "huge"]
    stages = [
        make(f"{name}_answers", "generate", [answer(prompt, name, f"{name}!") for prompt in prompts], [test]) for name in names
    ]
    page = report([test, *stages], tmp_path)
    assert all(page.text.count(f"{name}!") == 3 for name in names)
    shades = [attributes["style"] for tag, attributes in page.tags if attributes.get("class") == "answer"]
    assert len(set(shades)) == 5


def test_licences_of_the_training_data_are_counted(whole_report):
    text = page_in(whole_report).text
    assert "fine-tuning stack_exchange CC BY-SA 4.0 6 1 https://clocks.example/q/0" in text
    assert "preference tuning beavertails CC BY-NC 4.0 ids and edits only 3 1" in text


def test_a_baseline_judge_is_called_one(whole_report):
    text = page_in(whole_report).text
    assert (
        "judged is judged by word_overlap, which is a plain baseline that shows that comparing works. It is no measure of quality."
        in text
    )


@pytest.mark.slow
def test_many_examples_are_streamed(make: Make, tmp_path):
    data = make("data", "ingest", [example("clocks", n) for n in range(20_000)])
    sft = make("sft", "sft", [], [data], counts=Counts(20_000, 20_000))
    assert "20,000 examples" in report([data, sft], tmp_path).text


def test_how_varied_selections_are_stands_in_one_table_with_what_chance_gives(make: Make, tmp_path):
    figures = [
        Measurement("vendi", "selection", 84.25, count=50), Measurement("vendi_random", "selection", 70.5, 68.25, 73.75, 50),
        Measurement("coverage", "selection", 0.4321, count=50), Measurement("coverage_random", "selection", 0.41, 0.401, 0.4206, 50),
    ]  # fmt: skip
    alone = [replace(item, subject="prompts of the selection", value=item.value / 2) for item in figures]
    stages = [make("far", "diverse", figures + alone), make("half", "quota", figures[:2])]
    Report().run(Inputs(tuple(stages)), tmp_path / "out")
    page = re.sub(r"<[^>]+>", " ", (tmp_path / "out" / "report.html").read_text())
    assert re.search(
        r"far\s+diverse\s+selection\s+50\s+84\.2\s+70\.5\s+68\.2 to 73\.8\s+0\.432\s+0\.410\s+0\.401 to 0\.421", page
    )
    assert re.search(r"far\s+diverse\s+prompts of the selection\s+50\s+42\.1\s+35\.2", page), (
        "a part does not take the whole's place"
    )
    assert not re.search(r"half\s+quota\s+selection", page), "a stage that was measured in part has no row"
    facts = json.loads((tmp_path / "out" / "files" / "report.json").read_text())
    assert [row["stage"] for row in facts["spreads"]] == ["far", "far"]
