"""What this machine has, and what is missing for what."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from align.artifact import FORMAT, check_store
from align.errors import InputError, StoreError
from align.files import free_megabytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    name: str
    found: str
    """What was found, or how to get it."""
    meaning: str
    """What it is for, or what follows from it."""
    is_there: bool = True


PROGRAMS = {
    ("7z", "7zz", "7za"): ("reading .7z dumps at full speed (without it py7zr reads them, slower)", "apt install p7zip-full"),
    ("chromium", "chromium-browser", "google-chrome"): ("testing the curation app in a real browser", "apt install chromium"),
    ("nvidia-smi",): ("seeing NVIDIA GPUs", "install the NVIDIA driver"),
    ("git",): ("noting the commit that a recipe was run at", "apt install git"),
}


def examine(store: Path) -> list[Finding]:
    """Look at Python, processor, memory, disk, GPU, packages, programs and the store; nothing is changed."""
    return [*_hardware(store), *_gpus(), *_packages(), *_programs(), _store(store), _decisions(store)]


def _hardware(store: Path) -> Iterator[Finding]:
    yield Finding("Python", platform.python_version(), platform.platform(), sys.version_info >= (3, 11))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("cores", str(cores), "ingest and filters use one each")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield Finding("memory", f"{memory:,.0f} GiB", "`align plan` says what training takes")
    yield Finding(
        "disk", f"{free_megabytes(store) / 1000:,.0f} GB free", f"where the store {store} lies", free_megabytes(store) > 1000
    )


def _gpus() -> Iterator[Finding]:
    try:
        import torch  # heavy: two seconds
    except ImportError:
        return  # told among the packages
    for number in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(number)
        yield Finding(f"GPU {number}", f"{found.name}, {found.total_memory / 2**30:,.0f} GiB", "training and generating")
    if torch.cuda.device_count() == 0:
        yield Finding("GPU", "none", "tiny models train on the processor; a base model of billions of weights needs one", False)


def _packages() -> Iterator[Finding]:
    for extra, names in _wanted_packages().items():
        installed = {name: _version(name) for name in names}
        missing = [name for name, found in installed.items() if found is None]
        # Of two dozen packages only those that people ask about.
        told = names if len(names) <= 3 else ("torch", "transformers", "trl", "peft", "datasets", "pytest", "mypy", "ruff")
        have = ", ".join(f"{name} {found}" for name, found in installed.items() if found is not None and name in told)
        if missing:
            how = f"pip install '{f'align-lm[{extra}]' if extra else 'align-lm'}'"
            have = f"without {', '.join(missing)}: {how}"
        yield Finding(f"extra {extra}" if extra else "packages", have, EXTRAS.get(extra, "of align itself"), not missing)


EXTRAS = {
    "": "everything a run needs",
    "app": "`align app`, the curation app in the browser",
    "postgres": "decisions in PostgreSQL (`align app --db postgresql+psycopg://...`)",
    "judge": "judges that are asked over HTTP (kind openai_chat)",
    "eval": "tasks of lm-eval in the stage academic (its benchmarks from local files need no extra)",
    "export": "`align export` to ONNX and GGUF",
    "quantized": "training on quantized weights (QLoRA)",
    "dev": "tests and checks of align itself",
}


def _wanted_packages() -> dict[str, list[str]]:
    """Names of the packages that align itself and each extra ask for."""
    import re

    wanted: dict[str, list[str]] = {"": []}
    for line in requires("align-lm") or []:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
        name = re.split(r"[\[<>=!~ ]", requirement.strip(), maxsplit=1)[0]
        if name != "align-lm":
            wanted.setdefault(extra[1] if extra else "", []).append(name)
    return wanted


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _programs() -> Iterator[Finding]:
    for names, (meaning, remedy) in PROGRAMS.items():
        path = next((found for name in names if (found := shutil.which(name)) is not None), None)
        yield Finding(names[0], path or remedy, meaning, path is not None)


def _store(store: Path) -> Finding:
    try:
        check_store(store)
    except StoreError as error:
        return Finding("store", str(store), str(error), False)
    if not (store / "store.json").is_file():
        return Finding("store", f"{store} (not made yet)", "the first run makes it")
    artifacts = [path for path in (store / "artifacts").glob("*") if path.suffix != ".partial"]
    partial = len(list((store / "artifacts").glob("*.partial")))
    runs = len(list((store / "runs").glob("*.json")))
    said = f"{store}: {runs} runs, {len(artifacts)} artifacts, {partial} unfinished"
    return Finding("store", said, f"format {FORMAT}; `align ls` lists it", os.access(store, os.W_OK))


def _decisions(store: Path) -> Finding:
    from align.curation.database.filesystems import why_unsafe
    from align.curation.database.place import database_url, require_packages, shown_url, sqlite_file, why_missing

    url = database_url(store)
    try:
        require_packages()
        shown, why, file = shown_url(url), why_missing(url), sqlite_file(url)
    except (StoreError, InputError) as error:
        return Finding("decisions", "no database", str(error), False)
    if file is not None and (unsafe := why_unsafe(file)):
        return Finding("decisions", shown, unsafe, False)
    if why:
        return Finding("decisions", f"{shown} (not there)", f"{why}; `align app` makes it", False)
    return Finding("decisions", shown, "what people decided in the curation app; `align backup` saves it")
