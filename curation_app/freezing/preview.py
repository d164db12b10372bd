"""What a freeze would export and what speaks against it, and the press that makes it."""

import io
import re
import zipfile
from functools import partial
from pathlib import Path

import streamlit as st

from align.curating import stages_above
from align.curation.sight import refuse_other_group
from align.curation.team.people import Person
from align.errors import AlignError
from align.freezing.checks import FreezePreview, freeze_preview
from align.lineage import run_of_recipe
from align.recipe import Recipe, load_recipe
from align.records import Example
from curation_app.freezing.jobs import recipe_arguments, run_align
from curation_app.look import say_nothing_here
from curation_app.session import Project
from curation_app.team.people import is_at_least
from curation_app.team.texts import plain

NONE = "none"
GIVE_EXAMPLES = frozenset(
    ["ingest", "filter", "style", "exact", "minhash", "semantic", "contamination", "quota", "take", "diverse", "scored", "mix",
     "curate"]
)  # fmt: skip
FOLDER = "frozen-sets"
"""In the store; nobody types a path."""


def draw(project: Project, person: Person) -> None:
    recipe = load_recipe(Path(project.desk.recipe), (f"stages.{project.desk.stage}.decisions=database",))
    splits = _choose(project, recipe)
    may_freeze = is_at_least(person.role, "lead")
    if not may_freeze and project.store.settings().blind:  # what is in a set was accepted
        say_nothing_here("A lead freezes", "What is in the set was accepted by somebody, and you decide blind.")
        return
    columns = st.columns([1, 1, 4])
    if columns[0].button(
        "Apply decisions", disabled=not may_freeze, help="Makes the stages below the decisions, as align run does"
    ):
        last = max(splits.values(), key=list(recipe.stages).index)
        run_align(project, person.name, "Applying decisions", ["run", *recipe_arguments(project), "--until", last])
    if not may_freeze:
        columns[2].caption("A lead applies decisions and freezes; you see what it would be.")
    lacking = [stage for stage in splits.values() if stage not in run_of_recipe(recipe, Path(project.desk.store))]
    if lacking:
        say_nothing_here(
            f"{', '.join(lacking)}: not made with the decisions of now",
            "Press Apply decisions; then this page shows what would be exported, and whether anything speaks against it.",
        )
        return
    try:
        _refuse_other_group(project, person, recipe, splits)
        with st.spinner("Comparing the splits"):
            preview = freeze_preview(recipe, Path(project.desk.store), splits)
    except AlignError as error:
        st.error(plain(str(error)))
        return
    _draw_preview(preview)
    frozen = _folder(project, recipe, splits)
    if columns[1].button("Freeze", type="primary", disabled=not may_freeze or bool(preview.problems)):
        more = [text for split in ("dev", "test") if split in splits for text in (f"--{split}", splits[split])]
        arguments = ["freeze", *recipe_arguments(project)[:1], splits["train"], *recipe_arguments(project)[1:], *more]
        run_align(project, person.name, "Freezing", [*arguments, "--to", str(frozen)])
    if frozen.is_dir() and may_freeze:
        _offer(project, person, recipe, splits, frozen)


def _choose(project: Project, recipe: Recipe) -> dict[str, str]:
    """A stage for each split; for training by default the last one that gives examples below the decisions."""
    below = [name for name in recipe.stages if project.desk.stage in [*stages_above(recipe, name), name]]
    giving = [name for name in recipe.stages if _gives_examples(recipe, name)]
    usual = next((name for name in reversed(giving) if name in below), project.desk.stage)
    columns = st.columns(3)
    train = columns[0].selectbox("Train", giving, index=giving.index(usual), key="freeze-train")
    dev = columns[1].selectbox("Dev", [NONE, *giving], key="freeze-dev", index=_named(giving, "dev"))
    test = columns[2].selectbox("Test", [NONE, *giving], key="freeze-test", index=_named(giving, "test"))
    return {split: stage for split, stage in (("train", train), ("dev", dev), ("test", test)) if stage != NONE}


def _gives_examples(recipe: Recipe, name: str) -> bool:
    """Whether a stage hands on examples, as far as its kind tells; a model or a report does not."""
    return recipe.stages[name].kind in GIVE_EXAMPLES


def _named(stages: list[str], word: str) -> int:
    """The place of the first stage whose name begins with a word, behind `none`; 0 where there is none."""
    return next((number for number, name in enumerate(stages, 1) if name.startswith(word)), 0)


def _draw_preview(preview: FreezePreview) -> None:
    for problem in preview.problems:
        st.error(plain(problem), icon=":material/block:")
    for warning in preview.warnings:
        st.warning(plain(warning), icon=":material/info:")
    if not preview.problems:
        said = "Apart from this, nothing speaks against it" if preview.warnings else "Nothing speaks against it"
        st.success(f"{said}: no example is in two splits, and no prompt leaks.", icon=":material/check:")
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Splits", anchor=False)
        st.dataframe(
            [
                {
                    "split": item.split, "stage": item.stage, "examples": item.rows, "without text": item.dehydrated,
                    "prompt words": round(item.prompt_words, 1), "response words": round(item.response_words, 1),
                }
                for item in preview.splits
            ],
            hide_index=True,
        )  # fmt: skip
        st.header("Licences", anchor=False)
        st.dataframe(
            [
                {"licence": item.licence, "examples": item.rows, "text": "goes out" if item.is_open else "stays home"}
                for item in preview.licences
            ],
            hide_index=True,
        )
    with right:
        st.header("Quota", anchor=False)
        if preview.quota:
            st.dataframe(
                [{"split": item.split, "cell": item.cell, "has": item.actual, "wants": item.wanted} for item in preview.quota],
                hide_index=True,
            )
        else:
            st.caption("No quota stands above these stages.")
        found = [*preview.duplicates, *preview.contamination]
        st.header("Said twice", anchor=False)
        if found:
            st.dataframe(
                [
                    {"what": item.what, "in": item.split, "example": item.example_id, "and in": item.other_split,
                     "other": item.other_id, "detail": item.detail}
                    for item in found
                ],
                hide_index=True,
            )  # fmt: skip
        else:
            st.caption("No example stands twice, in one split or in two.")


def _refuse_other_group(project: Project, person: Person, recipe: Recipe, splits: dict[str, str]) -> None:
    """Prompts that two splits share are told in words, and a set is handed out whole."""
    run = run_of_recipe(recipe, Path(project.desk.store))
    for stage in splits.values():
        refuse_other_group(project.store, person.name, run[stage].read(Example), f"stage {stage}")


def _folder(project: Project, recipe: Recipe, splits: dict[str, str]) -> Path:
    """Where the set goes: named by what is in it, so that another selection never writes over it."""
    run = run_of_recipe(recipe, Path(project.desk.store))
    contents = "-".join(run[stage].content[:6] for stage in splits.values())
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", recipe.name).strip("-") or "set"
    return Path(project.desk.store) / FOLDER / f"{name}-{contents}"


def _offer(project: Project, person: Person, recipe: Recipe, splits: dict[str, str], frozen: Path) -> None:
    """The set as one file, packed when it is asked for."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(f"Frozen: {frozen.name}")
        pack = partial(packed_for, project, person, recipe, splits, frozen)
        st.download_button(
            "Download", pack, f"{frozen.name}.zip", "application/zip", icon=":material/download:", on_click="ignore",
            key="freeze-get",
        )  # fmt: skip
    card = frozen / "README.md"
    if card.is_file():
        with st.expander("The card"):
            st.code(card.read_text(encoding="utf-8"), language="markdown", wrap_lines=True)


def packed_for(project: Project, person: Person, recipe: Recipe, splits: dict[str, str], folder: Path) -> bytes:
    """The set as a zip file, for a lead who may read all of it."""
    project.store.allow(person.name, "download frozen set", folder.name)
    _refuse_other_group(project, person, recipe, splits)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, Path(folder.name) / path.relative_to(folder))
    return buffer.getvalue()
