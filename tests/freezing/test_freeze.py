import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from freeze_setting import run_pub, write_pub

from align.errors import AlignError, FreezeRefused, InputError
from align.freezing.folder import read_frozen
from align.freezing.freeze import Frozen, freeze
from align.freezing.rows import example_of
from align.housekeeping import rubbish_of
from align.lineage import load_run
from align.recipe import load_recipe
from align.runner import run_recipe
from align.sources.json_lines import JsonLines
from align.trace import trace_example

STAGES = {"train": "train_set", "test": "test_prompts"}


def frozen(folder: Path, name: str = "set", **options: Any) -> Frozen:
    return freeze(load_recipe(folder / "pub.yaml"), folder / "store", STAGES, folder / name, **options)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def pub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe made, and frozen once with `auto` into `set`."""
    folder = tmp_path_factory.mktemp("pub")
    run_pub(folder)
    frozen(folder)
    return folder


def test_rows_have_text_provenance_and_licence_and_closed_ones_stand_aside(pub: Path) -> None:
    whole = {row["id"]: row for row in lines(pub / "set" / "data" / "train.jsonl")}
    assert sorted(whole) == [
        f"stack_exchange/{site}/{number}"
        for site, number in (("beer", 10), ("beer", 20), ("beer", 30), ("coffee", 10), ("coffee", 20))
    ]
    row = whole["stack_exchange/beer/20"]
    assert row["messages"][0] == {"role": "user", "content": "How warm should a cellar be?"}
    assert row["messages"][1]["content"].startswith("Twelve degrees suit an ale")
    assert (row["license"], row["group"]) == ("CC BY-SA 4.0", "stack_exchange")
    assert row["lengths"] == {"prompt": 6, "response": 17}  # words
    assert row["origin"]["title"] == "How warm should a cellar be?"
    assert [(item["name"], item["role"]) for item in row["origin"]["authors"]] == [
        ("Ada <b>", "question"),
        ("Grace](x)", "answer"),
    ]
    assert row["changes"].startswith("HTML turned into Markdown")
    assert "edited by people: " in whole["stack_exchange/coffee/20"]["changes"]
    assert "edited" not in row["changes"]
    assert {row["id"] for row in lines(pub / "set" / "dehydrated" / "train.jsonl")} == {
        "reddit/AskReddit/a1",
        "reddit/AskReddit/a2",
    }
    assert [row["id"] for row in lines(pub / "set" / "data" / "test.jsonl")] == ["t1"]


def test_a_row_without_its_text_tells_none_of_it(pub: Path) -> None:
    text = (pub / "set" / "dehydrated" / "train.jsonl").read_text()
    for word in ("strangest", "coat", "smell", "school"):
        assert word not in text
        assert word not in (pub / "set" / "ATTRIBUTION.md").read_text()
    row = next(row for row in lines(pub / "set" / "dehydrated" / "train.jsonl") if row["id"] == "reddit/AskReddit/a1")
    # the title has 54 characters
    assert row["messages"] == [{"role": "user", "pieces": "[[0, 0, 54]]"}]
    assert set(row["origin"]) == {"source", "native_id", "url", "dump", "date", "modified"}


def test_nothing_of_the_machine_stands_in_the_set(pub: Path) -> None:
    for name, data in bytes_of(pub / "set").items():
        assert str(pub).encode() not in data, name
        assert b"/tmp" not in data, name
    manifest = json.loads((pub / "set" / "manifest.json").read_text())
    assert manifest["recipe"]["stages"]["dumps"]["source"]["dumps"] == ["dumps"]
    assert manifest["recipe"]["stages"]["picked"]["decisions"] == "decisions.jsonl"
    assert manifest["sources"]["asked"]["files"][0]["name"] == "reddit"
    assert manifest["splits"]["train"]["key"] == load_run(pub / "pub.yaml", pub / "store")["train_set"].key
    assert manifest["counts"] == {"train": {"rows": 7, "dehydrated": 2}, "test": {"rows": 1, "dehydrated": 0}}


def test_the_same_freeze_twice_gives_the_same_bytes(pub: Path, tmp_path: Path) -> None:
    again = freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, tmp_path / "elsewhere")
    assert again.is_new
    assert bytes_of(tmp_path / "elsewhere") == bytes_of(pub / "set")
    before = (pub / "set" / "README.md").stat().st_mtime_ns
    assert not frozen(pub).is_new
    assert (pub / "set" / "README.md").stat().st_mtime_ns == before
    assert not [path for path in pub.iterdir() if path.name.startswith(".")]
    (other,) = [note for note in (pub / "store" / "frozen").iterdir() if str(tmp_path) in note.read_text()]
    other.unlink()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_datasets_library_reads_the_folder_offline(pub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(str(pub / "set"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 5, "test": 1}
    by_id = {row["id"]: row for row in loaded["train"]}
    for row in lines(pub / "set" / "data" / "train.jsonl"):
        found = by_id[row["id"]]
        assert found["messages"] == row["messages"]
        assert found["origin"] == row["origin"]
        assert {item["name"]: item["value"] for item in found["signals"]} == row["signals"]
    everything = frozen(pub, "ids_only", dehydrated="all")
    loaded = datasets.load_dataset(str(everything.set.folder), cache_dir=str(tmp_path / "cache2"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 7, "test": 1}
    assert set(loaded["train"].column_names) >= {"id", "sha256", "source_content", "messages", "license"}


def test_align_reads_the_rows_back_as_they_were(pub: Path) -> None:
    source = JsonLines.model_validate({"paths": [pub / "set" / "data" / "train.jsonl"]})
    from collections import Counter

    back = {item.id: item for shard in source.shards() for item in source.read(shard, Counter())}
    examples = {item.id: item for item in load_run(pub / "pub.yaml", pub / "store").examples("train_set")}
    assert back == {name: examples[name] for name in back}
    assert len(back) == 5


def test_the_card_tells_sizes_licences_and_the_publishers_terms(pub: Path) -> None:
    from ruamel.yaml import YAML

    card = (pub / "set" / "README.md").read_text()
    front = YAML(typ="safe").load(card.split("---\n")[1])
    assert front["license"] == ["cc-by-sa-4.0", "cc0-1.0", "other"]
    assert front["size_categories"] == ["n<1K"]
    assert front["configs"][0]["data_files"] == [
        {"split": "train", "path": "data/train.parquet"},
        {"split": "test", "path": "data/test.parquet"},
    ]
    assert "| train | Stack Exchange, STEM | 200 | 117 | 523 |" in card  # LIMA's
    assert "| train | reddit | 2 | 10 | |" in card.replace("|  |", "| |")  # 11 and 9 words
    assert "train no large language model" in card
    assert "2 rows stand in dehydrated/ without their text" in card
    assert "| unstated | 2 | 2 |" in (pub / "set" / "LICENSES.md").read_text()


def test_an_attribution_links_post_and_profiles_and_cannot_be_broken_by_a_name(pub: Path) -> None:
    text = (pub / "set" / "ATTRIBUTION.md").read_text()
    (entry,) = [line for line in text.splitlines() if "stack_exchange/beer/20`" in line]
    assert entry == (
        "- `stack_exchange/beer/20`: [How warm should a cellar be?](https://beer.stackexchange.com/questions/20) by "
        "[Ada \\<b\\>](https://beer.stackexchange.com/users/7) (question, CC BY-SA 4.0), "
        "[Grace\\]\\(x\\)](https://beer.stackexchange.com/users/8) (answer, CC BY-SA 4.0). "
        "[CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/). Changed: HTML turned into Markdown; images and the "
        "addresses of links left out; of the question either title or body kept."
    )


def test_with_none_every_row_has_its_text_and_the_card_warns(pub: Path, tmp_path: Path) -> None:
    whole = freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, tmp_path / "mine", dehydrated="none").set
    assert len(list(whole.rows("train"))) == 7
    assert not (whole.folder / "dehydrated").exists()
    assert "The text of 2 rows may not be passed on" in (whole.folder / "README.md").read_text()


def test_rows_keep_their_order_whether_they_have_text_or_not(pub: Path) -> None:
    order = [item.id for item in load_run(pub / "pub.yaml", pub / "store").examples("train_set")]
    assert [row["id"] for row in read_frozen(pub / "set").rows("train")] == order
    assert example_of(next(row for row in read_frozen(pub / "set").rows("test"))).prompt == "How do I season a pan of iron?"


@pytest.mark.parametrize("name", ["data/train.jsonl", "data/train.parquet", "dehydrated/train.jsonl", "ATTRIBUTION.md"])
def test_a_folder_with_a_row_cut_off_is_recognised(pub: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(pub / "set", tmp_path / "set")
    path = tmp_path / "set" / name
    data = path.read_bytes()
    path.write_bytes(data[: data.rstrip(b"\n").rfind(b"\n") + 1] or data[:-1])
    with pytest.raises(InputError, match=f"1 files are not what manifest.json says: {name}: its sha256 is another"):
        read_frozen(tmp_path / "set")
    path.unlink()
    with pytest.raises(InputError, match=f"{name}: missing"):
        read_frozen(tmp_path / "set")


def test_a_manifest_cannot_point_out_of_its_folder(pub: Path, tmp_path: Path) -> None:
    shutil.copytree(pub / "set", tmp_path / "set")
    manifest = json.loads((tmp_path / "set" / "manifest.json").read_text())
    for name in ("../../etc/passwd", "/etc/passwd"):
        broken = manifest | {"files": manifest["files"] | {name: "0"}}
        (tmp_path / "set" / "manifest.json").write_text(json.dumps(broken))
        with pytest.raises(InputError, match="points out of the folder"):
            read_frozen(tmp_path / "set")
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest | {"splits": {"../train": {}}}))
    with pytest.raises(InputError, match="splits must be some of train, dev, test"):
        read_frozen(tmp_path / "set")
    (tmp_path / "set" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "set" / "data" / "more.jsonl").write_text("{}")
    with pytest.raises(InputError, match="data/more.jsonl: not in the manifest"):
        read_frozen(tmp_path / "set")


def test_what_is_there_already_is_never_overwritten(pub: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="is there already and is no frozen set"):
        freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"
    with pytest.raises(InputError, match="holds another frozen set"):
        frozen(pub, dehydrated="none")
    assert read_frozen(pub / "set").manifest["dehydrated"] == "auto"


def test_what_speaks_against_it_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    run_pub(tmp_path)
    with pytest.raises(FreezeRefused, match="this cannot be frozen:\n- 5 ids stand twice"):
        freeze(load_recipe(tmp_path / "pub.yaml"), tmp_path / "store", {"train": "picked", "dev": "drawn"}, tmp_path / "set")
    assert not (tmp_path / "set").exists()
    with pytest.raises(InputError, match="--allow everything: wanted near-duplicates or contamination"):
        frozen(tmp_path, allow=("everything",))


def test_gc_keeps_what_a_frozen_set_came_through_until_its_folder_is_gone(tmp_path: Path) -> None:
    run_pub(tmp_path)
    frozen(tmp_path)
    for run in (tmp_path / "store" / "runs").iterdir():
        run.unlink()
    assert rubbish_of(tmp_path / "store") == [] or {item.what for item in rubbish_of(tmp_path / "store")} <= {"lock", "vectors"}
    shutil.rmtree(tmp_path / "set")
    (note,) = [item for item in rubbish_of(tmp_path / "store") if item.what == "frozen"]
    assert "whose folder" in note.why
    note.path.unlink()
    assert len([item for item in rubbish_of(tmp_path / "store") if item.what == "artifact"]) == 6


def test_a_recipe_with_hostile_names_breaks_neither_card_nor_folder(tmp_path: Path) -> None:
    recipe = run_pub(tmp_path)
    text = recipe.read_text().replace("name: pub", 'name: "x\\n---\\nlicense: mit\\n<script>/../.."')
    recipe.write_text(text)
    rows = [{"id": "../../../etc/passwd", "prompt": "What is a file?", "license": "MIT\n| x"}]
    (tmp_path / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
    from align.runner import run_recipe

    run_recipe(load_recipe(recipe), tmp_path / "store")
    frozen(tmp_path)
    from ruamel.yaml import YAML

    card = (tmp_path / "set" / "README.md").read_text()
    front = YAML(typ="safe").load(card.split("---\n")[1]) if card.startswith("---\n") else {}
    assert front["pretty_name"].startswith("x\n---\nlicense: mit")
    assert "mit" not in front["license"]
    assert "<script>" not in card.split("---\n", 2)[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "decisions.jsonl",
        "dumps",
        "pub.yaml",
        "reddit",
        "set",
        "store",
        "test.jsonl",
    ]
    assert "`../../../etc/passwd`" in (tmp_path / "set" / "ATTRIBUTION.md").read_text()


def test_lengths_are_told_in_tokens_of_a_model_where_one_is_named(pub: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    from align.artifact import Artifact

    known = Tokenizer(models.WordLevel({"?": 0, "[unk]": 1}, unk_token="[unk]"))
    known.pre_tokenizer = pre_tokenizers.Whitespace()  # words, and each mark of punctuation
    (tmp_path / "model").mkdir()
    known.save(str(tmp_path / "model" / "tokenizer.json"))
    model = Artifact("base", "key", "content", tmp_path, {"kind": "pretrain"})
    found = freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, tmp_path / "counted", tokenizer=model).set
    (row,) = found.rows("test")
    # How do I season a pan of iron ?
    assert row["lengths"] == {"prompt": 9, "response": 0}
    assert "Lengths are means in tokens of base." in (tmp_path / "counted" / "README.md").read_text()
    drawn = load_run(pub / "pub.yaml", pub / "store")["drawn"]
    with pytest.raises(AlignError, match=r"--tokenizer: stage drawn \(quota\) has no tokenizer"):
        freeze(load_recipe(pub / "pub.yaml"), pub / "store", STAGES, tmp_path / "none", tokenizer=drawn)
    assert not (tmp_path / "none").exists()


def test_a_dump_of_which_every_row_was_superseded_is_no_obstacle(tmp_path: Path) -> None:
    # of a table without a row pyarrow reads a column without a chunk, which ends the process: apache/arrow#51018
    recipe = write_pub(tmp_path)
    shutil.copytree(tmp_path / "dumps" / "beer.stackexchange.com", tmp_path / "older" / "beer.stackexchange.com")
    recipe.write_text(recipe.read_text().replace("dumps: [dumps]", "dumps: [dumps, older]"))
    run = run_recipe(load_recipe(recipe), tmp_path / "store")
    assert run["dumps"].counts.dropped == {"ingest: superseded": 3}
    frozen(tmp_path)
    assert len(lines(tmp_path / "set" / "data" / "train.jsonl")) == 5
    assert trace_example(load_recipe(recipe), tmp_path / "store", "stack_exchange/beer/10").events[-1].stage == "train_set"
