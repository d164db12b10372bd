from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import Hub, serve

from align.errors import ExportRefused, InputError
from align.export.hub import push_folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serve() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "heron").mkdir()
    (tmp_path / "heron" / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "heron" / "README.md").write_text("# heron\n")
    return tmp_path / "heron"


def test_a_push_makes_a_private_repository_with_every_file(hub: Hub, folder: Path) -> None:
    assert push_folder(folder, "pond/heron") == f"{hub.address}/pond/heron"
    assert hub.private == {"pond/heron": True}
    assert hub.files["pond/heron"]["config.json"] == b'{"model_type": "llama"}'
    assert hub.files["pond/heron"]["README.md"] == b"# heron\n"
    assert hub.tokens == {"Bearer hf_secret"}


def test_a_public_repository_is_made_only_when_asked_for(hub: Hub, folder: Path) -> None:
    push_folder(folder, "pond/heron", public=True)
    assert hub.private == {"pond/heron": False}


def test_nothing_is_pushed_into_a_repository_that_is_public_already(hub: Hub, folder: Path) -> None:
    hub.private["pond/heron"] = False
    with pytest.raises(ExportRefused, match="--push pond/heron: this repository is public; --public pushes to it all the same"):
        push_folder(folder, "pond/heron")
    assert hub.files == {}


def test_without_a_token_nothing_is_asked(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(InputError, match="HF_TOKEN is not set"):
        push_folder(folder, "pond/heron")
    assert hub.tokens == set()


def test_a_name_without_an_owner_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="--push heron: wanted OWNER/NAME"):
        push_folder(folder, "heron")


def test_a_hub_that_does_not_answer_is_an_error_of_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(InputError, match="--push pond/heron: the hub at http://127.0.0.1:9 refused: ") as raised:
        push_folder(folder, "pond/heron")
    assert "\n" not in str(raised.value)
    assert "hf_secret" not in str(raised.value)
