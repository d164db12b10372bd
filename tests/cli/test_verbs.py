"""What holds for all verbs: help, exit codes, streams, speed."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from align.cli.verbs import in_bytes, print_table
from align.filters.filter import FilterStage
from conftest import Done

Align = Callable[..., Done]
VERBS = ["init", "run", "plan", "funnel", "show", "trace", "diff", "ls", "gc", "kinds", "schema", "doctor"]
PROGRAM = [sys.executable, "-c", "from align.cli import main; main()"]


def test_help_lists_the_verbs_in_the_order_of_the_journey(align: Align) -> None:
    done = align("--help")
    assert done.code == 0
    listed = re.findall(r"^  (\w+)  ", done.out, re.MULTILINE)
    assert [name for name in listed if name in VERBS] == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_ends_with_an_example(align: Align, verb: str) -> None:
    done = align(verb, "--help")
    assert done.code == 0
    assert done.lines[-2] == "  Example:"
    assert done.lines[-1].startswith(f"    $ align {verb}")


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_has_a_help_text(align: Align, verb: str) -> None:
    options = align(verb, "--help").out.partition("Options:\n")[2].partition("\n\n")[0]
    # A row begins with two spaces and a dash; its text, or a line that goes on with it, begins further right.
    rows = re.split(r"\n(?=  -)", options)
    assert all(re.search(r"\S  +\w|\n {4,}\w", row) for row in rows), options


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = """
import sys, time
from align.cli import app
try:
    app(["--help"], prog_name="align")
except SystemExit:
    pass
heavy = {"torch", "transformers", "trl", "datasets", "pyarrow", "numpy", "scipy", "sklearn", "pydantic", "ruamel", "jinja2", "rich"}
print(sorted(heavy & set(sys.modules)), time.process_time(), file=sys.stderr)
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)  # warms the file cache
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy, seconds = done.stderr.rsplit(" ", 1)
    assert heavy == "[]"
    assert float(seconds) < 0.3


def test_plan_needs_no_weights_no_torch_and_little_time(root: Path, tmp_path: Path) -> None:
    code = f"""
import sys, time
from align.cli import app
try:
    app(["plan", {str(root / "recipes" / "quickstart.yaml")!r}, "--store", {str(tmp_path)!r}], prog_name="align")
except SystemExit as error:
    assert not error.code
heavy = {{"torch", "transformers", "trl", "datasets", "scipy", "sklearn"}}
print(sorted(heavy & set(sys.modules)), time.process_time(), file=sys.stderr)
"""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy, seconds = done.stderr.splitlines()[-1].rsplit(" ", 1)
    assert heavy == "[]"
    assert float(seconds) < 2.0  # well under a second alone; other tests may share the core


def test_the_version_is_that_of_the_package(align: Align) -> None:
    assert align("--version").out == f"{version('align-lm')}\n"


def test_a_users_mistake_is_a_line_on_stderr_and_exit_1(align: Align, tmp_path: Path) -> None:
    done = align("run", tmp_path / "none.yaml")
    assert (done.code, done.out) == (1, "")
    assert (
        done.err
        == f"error: {tmp_path}/none.yaml: cannot be read as a recipe: No such file or directory. `align init` writes one.\n"
    )


@pytest.mark.parametrize("arguments", [["run"], ["run", "a.yaml", "--limit", "3"], ["rnu"], ["show", "a", "b", "--limit", "x"]])
def test_a_mistaken_command_line_is_exit_2(align: Align, arguments: list[str]) -> None:
    done = align(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: align" in done.err


def test_a_bug_of_ours_is_exit_3_with_its_traceback_in_a_file(
    align: Align, toy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def bug(*_: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(FilterStage, "run", bug)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = align("run", toy)
    assert (done.code, done.out) == (3, "")
    assert "Traceback" not in done.err
    lines = done.err.splitlines()
    assert lines[-2] == "error: KeyError: 'oops' (in stage clean)"
    log = re.fullmatch(r"This is a bug of align, not yours\. Please report it with (\S+\.log)", lines[-1])
    assert log is not None
    text = Path(log[1]).read_text()
    assert 'raise KeyError("oops")' in text
    assert "in stage clean" in text

    monkeypatch.setenv("ALIGN_DEBUG", "1")
    done = align("run", toy)
    assert done.code == 3
    assert "Traceback" in done.err
    assert "report" not in done.err


def test_debug_shows_the_traceback_of_a_mistake_too(align: Align, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIGN_DEBUG", "1")
    done = align("run", "none.yaml")
    assert done.code == 1
    assert "Traceback" in done.err


def test_a_plugins_failure_while_loading_or_planning_is_exit_1(align: Align, toy: Path) -> None:
    plugin = toy.parent / "mine.py"
    plugin.write_text(plugin.read_text().replace("examples = data[0].examples", "examples = 1 // 0"))
    done = align("plan", toy)
    assert done.code == 1
    assert re.search(r"^error: the plugin failed at .*mine\.py:\d+: ZeroDivisionError", done.err, re.MULTILINE)


def test_the_store_is_that_of_the_option_else_of_the_environment(align: Align, toy: Path, tmp_path: Path) -> None:
    align("run", toy)
    assert (tmp_path / "store" / "runs").is_dir()
    align("run", toy, "--store", tmp_path / "other")
    assert (tmp_path / "other" / "runs").is_dir()


def test_without_option_or_environment_the_store_is_in_the_current_folder(
    align: Align, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALIGN_STORE")
    monkeypatch.chdir(toy.parent)
    align("run", toy)
    assert (toy.parent / ".align" / "runs").is_dir()


def test_a_reader_that_has_enough_is_no_error(align: Align, toy: Path, tmp_path: Path) -> None:
    align("run", toy, "--set", "stages.numbers.source.count=3000", "--until", "numbers")
    command = " ".join(f"'{word}'" for word in [*PROGRAM, "show", "toy", "numbers", "--store", str(tmp_path / "store")])
    run = f"set -o pipefail; {command} | head -n 1"
    done = subprocess.run(["bash", "-c", run], capture_output=True, text=True, check=False, timeout=60)
    assert json.loads(done.stdout)["id"] == "n3000"
    assert (done.returncode, done.stderr) == (0, "")


def hear_ctrl_c() -> None:
    """A shell starts what it runs in the background deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_is_exit_130_and_says_how_to_go_on(write_toy: Callable[[str], Path], tmp_path: Path) -> None:
    path = write_toy(
        f"stages:\n  numbers: {{kind: count, source: {{kind: numbers}}}}\n  slow: {{kind: wait, folder: {tmp_path}}}\n"
    )
    command = [*PROGRAM, "run", str(path), "--store", str(tmp_path / "store")]
    with subprocess.Popen(command, stderr=-1, text=True, preexec_fn=hear_ctrl_c) as process:
        assert process.stderr is not None
        while "wait" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("\nstopped; the same command goes on from here\n")
    assert "Traceback" not in err


def test_sizes_are_told_for_people() -> None:
    assert [in_bytes(size) for size in (0, 999, 1000, 1_234_567, 5.5e9, 7e12)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.2 MB",
        "5.5 GB",
        "7,000.0 GB",
    ]


def test_columns_of_a_table_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["stage", "in"], [["clean", "1,200"], ["a", "7"]], right={"in"})
    assert capsys.readouterr().out == "stage     in\nclean  1,200\na          7\n"
