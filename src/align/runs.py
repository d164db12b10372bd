"""What is noted of a run: `runs/<id>.json` in the store."""

import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from align import __version__
from align.artifact import Artifact, digest_of
from align.files import write_json
from align.recipe import Recipe


def record_run(recipe: Recipe, made: dict[str, Artifact], store: Path, started: str) -> Path:
    """Write `runs/<id>.json`: the recipe as resolved and the artifact of each stage; equal runs share one id."""
    path = store / "runs" / f"{run_id(recipe, made)}.json"
    write_run(path, recipe, made, started, finished=now())
    unfinished_path(recipe, store).unlink(missing_ok=True)
    return path


def run_id(recipe: Recipe, made: dict[str, Artifact]) -> str:
    """The recipe's name and a digest of the keys."""
    return f"{file_name(recipe)}-{digest_of({name: artifact.key for name, artifact in made.items()})[:8]}"


def unfinished_path(recipe: Recipe, store: Path) -> Path:
    """Where a run notes its artifacts while it goes on, so that `align gc` never takes them for rubbish."""
    return store / "runs" / f"{file_name(recipe)}-unfinished-{digest_of(_resolved(recipe))[:8]}.json"


def file_name(recipe: Recipe) -> str:
    """The recipe's name, as a file may be called."""
    return re.sub(r"[^\w-]+", "-", recipe.name).strip("-") or "recipe"


def _resolved(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", serialize_as_any=True, exclude={"engine"})  # which decides nothing


def write_run(path: Path, recipe: Recipe, made: dict[str, Artifact], started: str, finished: str) -> None:
    """Note what a run has made so far; `finished` is empty while it goes on."""
    run = {
        "recipe": _resolved(recipe),
        "artifacts": {name: artifact.key for name, artifact in made.items()},
        "started": started,
        "finished": finished,
        "commit": _commit(Path.cwd()),
        "align": __version__,
        "packages": package_versions(),
    }
    write_json(path, run)


_NOTED_PACKAGES = (
    "accelerate", "datasets", "numpy", "peft", "pyarrow", "rapidfuzz", "tokenizers", "torch", "transformers", "trl",
)  # fmt: skip


@cache
def package_versions() -> dict[str, str]:
    """The versions of the packages that decide what comes out."""
    from importlib.metadata import PackageNotFoundError, distribution

    found: dict[str, str] = {}
    for name in _NOTED_PACKAGES:
        try:
            about = distribution(name)
        except PackageNotFoundError:
            continue
        # `about.version` parses all that the package says of itself, with its whole description.
        head = re.search(r"^Version: *(\S+)", about.read_text("METADATA") or "", re.MULTILINE)
        found[name] = head[1] if head is not None else about.version
    return found


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _commit(folder: Path) -> str:
    """The git commit that `folder` is checked out at, read without git; empty where there is none."""
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_file():  # a worktree: `gitdir: PATH`
            git = parent / git.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
        if (git / "HEAD").is_file():
            head = (git / "HEAD").read_text(encoding="utf-8").strip()
            return _commit_of(git, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
    return ""


def _commit_of(git: Path, ref: str) -> str:
    common = git / (git / "commondir").read_text(encoding="utf-8").strip() if (git / "commondir").is_file() else git
    if (common / ref).is_file():
        return (common / ref).read_text(encoding="utf-8").strip()
    packed = common / "packed-refs"
    lines = packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.endswith(f" {ref}")), "")
