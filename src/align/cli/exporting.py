"""align export, align chat."""

import sys
import unicodedata
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from align.cli.verbs import Overrides, RecipePath, StageArgument, StoreFolder, in_bytes, print_table, store_of, verb

if TYPE_CHECKING:
    from align.artifact import Artifact
    from align.export.beside import Beside
    from align.export.chat import Chat
    from align.export.speaker import Speaker


def register(app: typer.Typer) -> None:
    verb(app, "export", "align export recipes/quickstart.yaml sft --format hf --out ./heron")(export)
    verb(app, "chat", 'align chat recipes/quickstart.yaml sft --prompt "Where does the heron nest?"')(chat)


Checkpoint = Annotated[str, typer.Option(metavar="NAME", help="Which checkpoint: last, or a name such as epoch-05.")]


def export(
    recipe: RecipePath,
    stage: StageArgument,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="hf (transformers), gguf (llama.cpp, Ollama) or onnx-int4.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write; must not be there.", show_default="./RECIPE-STAGE-FORMAT")
    ] = None,
    quant: Annotated[
        str | None, typer.Option(metavar="TYPE", help="Matrices of gguf: F16, Q8_0 or Q4_0.", show_default="Q8_0")
    ] = None,
    dtype: Annotated[
        str, typer.Option(metavar="TYPE", help="Weights of hf: stored (as they are), float32, bfloat16 or float16.")
    ] = "stored",
    checkpoint: Checkpoint = "last",
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE", help="Set it beside the full model on this stage's examples.", show_default="no comparison"
        ),
    ] = None,
    push: Annotated[
        str | None, typer.Option(metavar="OWNER/NAME", help="Also upload it to the Hugging Face hub, with HF_TOKEN; private.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="With --push: for everybody to see.")] = False,
    overrides: Overrides = None,
    store: StoreFolder = None,
) -> None:
    """Write a stage's model for other programs.

    Adapters are merged, and what was written is loaded and checked: prompts, answers, the end of a turn.
    --compare prints a table of sizes, speeds, perplexities and how often both models say the same.
    The last line on stdout is the folder, or the address it was pushed to.
    """
    from align.export.hub import push_folder
    from align.export.place import export_to_folder
    from align.recipe import load_recipe

    loaded = load_recipe(recipe, tuple(overrides or ()))
    folder = out if out is not None else Path(f"{loaded.name}-{stage}-{form}")
    if public and push is None:
        raise typer.BadParameter("--public says how to push: give --push OWNER/NAME with it")
    asked: dict[str, Any] = {"model": stage, "format": form, "quant": quant, "dtype": dtype, "checkpoint": checkpoint}
    if compare is not None:
        asked["inputs"] = (compare,)
    model, *data = (_made(recipe, name, overrides, store) for name in (stage, compare) if name is not None)
    found = export_to_folder(model, asked, folder, tuple(data))
    if found is not None:
        _print_beside(found)
    typer.echo(push_folder(folder, push, public) if push is not None else folder.absolute())


def _print_beside(found: "Beside") -> None:
    """One row a model: the full one and the exported one."""
    rows = []
    for name, speed in found.speeds.items():
        figures = {item.metric: item for item in found.measurements if item.subject == name}
        perplexity, same, prefix = (figures.get(metric) for metric in ("exported_perplexity", "same_answers", "common_prefix"))
        rows.append(
            [
                name,
                in_bytes(figures["weight_bytes"].value),
                f"{speed['tokens_per_second']:,.0f} ({speed['runtime']})",
                "" if perplexity is None else f"{perplexity.value:.4g}",
                "" if same is None else f"{same.value:.0%} of {same.count}",
                "" if prefix is None else f"{prefix.value:.1f}",
            ]
        )
    headings = ["model", "weights", "tokens/s", "perplexity", "same answers", "same tokens at the start"]
    print_table(headings, rows, right={"weights", "perplexity", "same answers", "same tokens at the start"})


def _made(recipe: Path, stage: str, overrides: list[str] | None, store: Path | None) -> "Artifact":
    """The artifact of a stage, or the way to make it."""
    from align.errors import StoreError
    from align.lineage import run_of_recipe
    from align.recipe import load_recipe

    loaded = load_recipe(recipe, tuple(overrides or ()))
    run = run_of_recipe(loaded, store_of(store))
    if stage in loaded.stages and stage not in run:
        raise StoreError(f"stage {stage} is not made yet: `align run {recipe} --until {stage}` makes it")
    return run[stage]


def chat(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="The recipe, a YAML file; or a folder or .gguf file that was exported.")
    ],
    stage: Annotated[str | None, typer.Argument(metavar="STAGE", help="The name of a stage of the recipe.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="Ask this alone and end.", show_default="a dialogue")] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="Always the likeliest token; else as LIMA samples.")] = False,
    top_p: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the probability to draw from.", show_default="0.9")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, help="Flattens the distribution; 0 is --greedy.", show_default="0.7")
    ] = None,
    repetition_penalty: Annotated[
        float | None, typer.Option(min=1, help="Divides the logits of tokens already said.", show_default="1.2")
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of an answer.")] = 2048,
    seed: Annotated[int, typer.Option(help="Starts the random draws.")] = 0,
    checkpoint: Checkpoint = "last",
    overrides: Overrides = None,
    store: StoreFolder = None,
) -> None:
    """Talk to a model: a stage's, or an exported one.

    Answers are drawn as the stage `generate` draws them (LIMA §4) and stop at EOT. /undo takes back the last turn, /reset all,
    /save FILE.jsonl appends the dialogue as an example. Ctrl-C stops an answer, Ctrl-D ends.
    """
    from random import Random

    from align.export.chat import Chat, sampling_of

    if greedy and temperature:
        raise typer.BadParameter("--greedy draws nothing: leave --temperature out")
    given = {"top_p": top_p, "temperature": 0.0 if greedy else temperature, "repetition_penalty": repetition_penalty}
    talk = Chat(_speaker(recipe, stage, checkpoint, overrides, store), sampling_of(given), max_new_tokens, Random(seed))
    if prompt is not None:
        _say(talk, prompt)
        return
    _converse(talk)


def _speaker(recipe: Path, stage: str | None, checkpoint: str, overrides: list[str] | None, store: Path | None) -> "Speaker":
    from align.export.speaker import speaker_at, stage_speaker

    if recipe.is_dir() or recipe.suffix == ".gguf":
        if stage is not None:
            raise typer.BadParameter(f"{recipe} is a model already; a stage ({stage}) needs a recipe")
        return speaker_at(recipe)
    if stage is None:
        raise typer.BadParameter("name a stage of the recipe, or give the folder of an exported model instead of a recipe")
    return stage_speaker(_made(recipe, stage, overrides, store), checkpoint)


def _converse(talk: "Chat") -> None:
    """Read turns until the input ends."""
    from align.errors import AlignError

    with suppress(ImportError):
        import readline  # noqa: F401 - gives `input` a line that can be edited, and a history
    typer.echo(f"{talk.speaker.name}: /undo, /reset, /save FILE.jsonl; Ctrl-C stops an answer, Ctrl-D ends", err=True)
    while True:
        try:
            line = _read_line()
        except KeyboardInterrupt:
            typer.echo("\nCtrl-D ends", err=True)
            continue
        if line is None:
            return
        try:
            _obey(talk, line) if line.startswith("/") else _say(talk, line) if line else None
        except AlignError as error:
            typer.echo(f"error: {error}", err=True)


def _read_line() -> str | None:
    """What the user types, without white space around it; None at the end."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None


def _say(talk: "Chat", text: str) -> None:
    with closing(talk.answer(text)) as pieces:
        try:
            for piece in pieces:
                typer.echo(_harmless(piece) if sys.stdout.isatty() else piece, nl=False)
        except KeyboardInterrupt:
            typer.echo(" [stopped]", err=True, nl=False)
    typer.echo("")
    if not talk.ended:
        typer.echo("(not ended by the model)", err=True)


def _harmless(text: str) -> str:
    """What a terminal shows and does not obey: a model may write escape codes."""
    return "".join("\ufffd" if unicodedata.category(letter) == "Cc" and letter not in "\n\t" else letter for letter in text)


def _obey(talk: "Chat", line: str) -> None:
    command, _, rest = line.partition(" ")
    if command == "/reset" and not rest:
        talk.reset()
        typer.echo("nothing was said", err=True)
    elif command == "/undo" and not rest:
        typer.echo(f"{len(talk.turns)} turns left" if talk.undo() else "nothing to take back", err=True)
    elif command == "/save" and rest.strip():
        talk.save(Path(rest.strip()))
        typer.echo(f"saved to {rest.strip()}", err=True)
    else:
        typer.echo(f"{line}: wanted /undo, /reset or /save FILE.jsonl", err=True)
