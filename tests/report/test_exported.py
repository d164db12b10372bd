import re
from pathlib import Path

from fake_run import Make

from align.files import write_json
from align.records import Measurement
from align.report.exported import exported_rows, read_speeds
from align.report.report import Report
from align.report.wording import size
from align.stage import Inputs


def test_an_exported_model_stands_beside_the_full_one(make: Make, tmp_path: Path) -> None:
    sft = make("sft", "sft")
    small = make(
        "small", "export",
        [
            Measurement("weight_bytes", "sft", 13_476_839_424.0, count=1),
            Measurement("exported_perplexity", "sft", 8.125, 7.5, 8.75, 40),
            Measurement("weight_bytes", "sft gguf Q4_0", 3_825_819_519.0, count=1),
            Measurement("exported_perplexity", "sft gguf Q4_0", 8.5, 7.75, 9.25, 40),
            Measurement("same_answers", "sft gguf Q4_0", 0.25, 0.14, 0.4, 40, "Wilson 95 %"),
            Measurement("common_prefix", "sft gguf Q4_0", 31.5, 22.0, 41.0, 40),
        ],
        named={"model": sft},
    )  # fmt: skip
    write_json(small.path / "logs" / "speed.json", {"sft gguf Q4_0": {"tokens_per_second": 12.5, "runtime": "llama.cpp"}})
    report = Report()
    (tmp_path / "page").mkdir()
    report.run(Inputs((sft, small)), tmp_path / "page")
    page = (tmp_path / "page" / "report.html").read_text().replace("\u00a0", " ").replace("\u2060", "")
    table = page.partition("Exported models</h2>")[2].partition("</table>")[0]
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr><th scope.*?</tr>", table)]
    cells = [[cell.strip() for cell in row.split("|") if cell.strip()] for row in rows]
    assert cells == [
        ["sft", "small", "13.5 GB", "8.12 (7.50–8.75)"],
        ["sft gguf Q4_0", "small", "3.83 GB", "12.5", "llama.cpp", "8.50 (7.75–9.25)", "25 % (14–40)", "31.5 (22.0–41.0)", "40"],
    ]
    # its figures have their place: they do not stand among the others too
    assert 'id="other"' not in page
    # speeds are not the same twice, so they are no facts
    assert "12.5" not in (tmp_path / "page" / "files" / "report.json").read_text()
    assert read_speeds([sft, small])["small"]["sft gguf Q4_0"]["runtime"] == "llama.cpp"
    assert [row["speed"] is None for row in exported_rows(report.gather((sft, small)), {})] == [True, True]


def test_a_run_without_exports_has_no_such_table(make: Make, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    Report().run(Inputs((make("sft", "sft"),)), tmp_path / "page")
    assert "Exported models" not in (tmp_path / "page" / "report.html").read_text()


def test_sizes_are_told_in_steps_of_a_thousand() -> None:
    assert [size(count).replace("\u00a0", " ") for count in (0, 999, 1000, 96_224, 3_825_819_519, 260e9)] == [
        "0 B", "999 B", "1.00 kB", "96.2 kB", "3.83 GB", "260 GB",
    ]  # fmt: skip
