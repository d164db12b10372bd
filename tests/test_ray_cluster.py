"""The same work on a Ray of two workers: equal content, and a worker that dies is replaced."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from align.artifact import Counts, content_hash
from align.engine import Engine, use_engine
from align.errors import InputError, ProcessKilled, RecipeError
from align.filters import filter as filters
from align.ray_cluster import run_on_ray
from align.recipe import load_recipe
from align.runner import run_recipe
from align.shard_orders import Orders
from align.sources.ingest import Ingest
from align.stage import Inputs
from shard_parts import Ledgers, write_ledgers
from test_engine import reader_of
from test_engine import run as run_natively

pytestmark = [pytest.mark.long]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One Ray for all tests here: it takes five seconds to start, and more on a busy machine."""
    pytest.importorskip("ray", reason="pip install 'align-lm[distributed]'")
    with use_engine(Engine("ray", 2)):
        yield


def run(work: Path, paths: tuple[Path, ...]) -> Counts:
    work.mkdir(parents=True, exist_ok=True)
    return Ingest(source=Ledgers(paths=paths)).run(Inputs(), work)


def test_a_cluster_gives_what_this_machine_gives(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a, !x, #", two="b, c", three="#, d")
    assert run(tmp_path / "ray", paths) == Counts(7, 4, {"test_ledgers: secret": 1}, {"remark": 2})
    assert os.getpid() not in {reader_of(path) for path in paths}
    run_natively(tmp_path / "native", paths)
    assert content_hash(tmp_path / "ray") == content_hash(tmp_path / "native")


def test_pieces_of_a_shard_are_equal_on_a_cluster_and_are_cut_and_read_again_where_a_worker_dies(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a, #, b, !x, DIE ONCE, c", two="d, e, f")
    work = tmp_path / "ray"
    work.mkdir()
    counts = Ingest(source=Ledgers(paths=paths, lines_a_piece=2)).run(Inputs(), work)
    assert counts == Counts(8, 6, {"test_ledgers: secret": 1}, {"remark": 1})
    assert paths[0].with_suffix(".died").exists()
    run_natively(tmp_path / "native", paths)
    assert content_hash(work) == content_hash(tmp_path / "native")


def test_a_worker_that_dies_is_replaced_and_the_result_is_right(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a, b", two="c, DIE ONCE, d", three="e")
    assert run(tmp_path / "ray", paths) == Counts(5, 5)
    assert paths[1].with_suffix(".died").exists()
    run_natively(tmp_path / "native", paths)
    assert content_hash(tmp_path / "ray") == content_hash(tmp_path / "native")
    assert not list(tmp_path.glob("ray/scratch/begun*")), "nor is anything left of what it had begun"


def test_a_shard_that_kills_every_worker_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a", two="b, DIE")
    with pytest.raises(ProcessKilled, match="the Ray worker at work on two died 4 times.*The same command goes on"):
        run(tmp_path / "work", paths)
    reader = reader_of(paths[0])
    write_ledgers(tmp_path, two="b")
    assert run(tmp_path / "work", paths) == Counts(2, 2)
    assert reader_of(paths[0]) == reader, "a finished shard is not read again"


def test_what_a_worker_refuses_is_said_in_its_own_words(tmp_path: Path) -> None:
    paths = write_ledgers(tmp_path, one="a", two="REFUSE")
    with pytest.raises(InputError, match=rf"^{paths[1]}: a pebble in the shoe$"):
        run(tmp_path / "work", paths)


def test_a_cluster_that_does_not_answer_is_told_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(RecipeError, match="no cluster answers at RAY_ADDRESS=127.0.0.1:9: Connection refused"):
        next(run_on_ray(Orders(), 2))


def test_a_filter_gives_the_same_on_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_ledgers(tmp_path, one="3, 4, 5, 6", two="7, 8, 9")
    recipe = tmp_path / "walk.yaml"
    shutil.copy(Path(__file__).parent / "shard_parts.py", tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text().replace("test_", "my_"))
    recipe.write_text(f"""\
name: walk
plugins: [mine.py]
stages:
  read: {{kind: ingest, source: {{kind: my_ledgers, paths: [{paths[0]}, {paths[1]}]}}}}
  sieved: {{kind: filter, filters: [{{kind: my_sieve}}]}}
""")
    monkeypatch.setattr(filters, "PIECE_EXAMPLES", 3)
    monkeypatch.setattr(filters, "SEVERAL_EXAMPLES", 0)
    found = {
        engine.name: run_recipe(load_recipe(recipe), tmp_path / engine.name, engine=engine)
        for engine in (Engine("ray", 2), Engine("native", 2))
    }
    for name in ("read", "sieved"):
        assert found["ray"][name].content == found["native"][name].content
    # 4, 5, 7, 8
    assert found["ray"]["sieved"].counts.kept == 4
