import json
import re
from pathlib import Path

from fake_run import Make

from align.files import write_text
from align.records import Measurement
from align.report.report import Report
from align.report.voice import auc_in_words
from align.stage import Inputs


def figure(metric: str, subject: str, value: float, low: float | None = None, high: float | None = None) -> Measurement:
    return Measurement(metric, subject, value, low, high, 60)


def test_the_voices_of_sources_stand_on_the_page(make: Make, tmp_path: Path) -> None:
    style = make(
        "voices", "style",
        [
            figure("style_outliers", "the set", 1.0),
            figure("style_source_auc", "all sources", 0.91, 0.88, 0.94), figure("style_source_auc", "bread", 0.96, 0.9, 0.99),
            figure("style_voice_auc", "all sources", 0.52, 0.45, 0.6), figure("style_voice_auc", "bread", 0.55, 0.44, 0.66),
            figure("style_openings", "the set", 1.4), figure("style_openings", "bread", 0.75),
            figure("style_between", "headings", 0.25), figure("style_between", "first_person", 0.5),
        ],
    )  # fmt: skip
    rows = [
        {"example_id": "bread/1", "kind": "bread", "unusual": 9.5, "reasons": ["says <b>I</b> 9 times; its kind 0 to 1 times"]}
    ]
    write_text(style.path / "files" / "outliers.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "page").mkdir()
    Report().run(Inputs((style,)), tmp_path / "page")
    page = (tmp_path / "page" / "report.html").read_text().replace("\u00a0", " ").replace("\u2060", "")
    part = page.partition('id="voice"')[2].partition("<h2")[0]
    assert "nearly always tells from which source it is" in part
    assert "91 % (88–94)" in part
    assert "it cannot tell: 52 % (45–60)" in part
    assert "1 of 60 examples have an unusual style. None was dropped for it." in part
    assert "says &lt;b&gt;I&lt;/b&gt; 9 times" in part  # what a text holds is never HTML
    explained = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr><th scope.*?</tr>", part)]
    assert explained[1].split("|")[2:5:2] == ["I, me, my in 100 words", "50 %"]  # the largest first
    assert 'id="other"' not in page


def test_a_run_without_a_style_stage_has_no_such_section(make: Make, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    Report().run(Inputs((make("sft", "sft"),)), tmp_path / "page")
    assert "One voice or several" not in (tmp_path / "page" / "report.html").read_text()


def test_words_follow_the_interval_first() -> None:
    style = figure("style_source_auc", "all sources", 0.7, 0.49, 0.9)
    assert "cannot tell from which source" in auc_in_words(style, style)
    assert "hardly tells from" in auc_in_words(figure("", "", 0.6, 0.55, 0.65), style)
    assert "often tells from" in auc_in_words(figure("", "", 0.8, 0.75, 0.85), style)
