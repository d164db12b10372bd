"""Whatever can answer a prompt: a stage's model, or a folder or file that an export wrote."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.artifact import Artifact
from align.errors import InputError
from align.evaluation.answering import stop_ids
from align.export.gguf_shape import FAMILIES
from align.export.packages import needed
from align.export.runtimes import LlamaCpp, OneRow, Onnx
from align.models import LAST, MODEL, ModelPlace, load_model, load_tokenizer, model_at, tokenizer_at

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model that answers, with the tokenizer it reads by."""

    name: str
    model: Any
    """A model of transformers, or an engine that looks like one to `decode`."""
    tokenizer: "PreTrainedTokenizerFast"
    stop_ids: frozenset[int]
    """Ids that end an answer."""
    runtime: str = "transformers"

    @property
    def context(self) -> int | None:
        """How many tokens it reads; None where the model sets no limit."""
        found = getattr(self.model.config, "max_position_embeddings", None)
        return found if isinstance(found, int) and found > 0 else None


def stage_speaker(artifact: Artifact, checkpoint: str = LAST) -> Speaker:
    """The model of a stage; of an `export` stage, what it wrote."""
    if artifact.kind == "export" and checkpoint == LAST and not (artifact.path / MODEL).is_dir():
        return speaker_at(next(path for path in sorted((artifact.path / "files").iterdir()) if path.is_dir()))
    tokenizer = load_tokenizer(artifact, checkpoint)
    model = load_model(artifact, checkpoint)
    return Speaker(artifact.name, model, tokenizer, stop_ids(model, tokenizer))


def speaker_at(path: Path) -> Speaker:
    """What an export wrote, by what the folder holds: a GGUF file, an ONNX model, or a model of transformers."""
    files = [path] if path.suffix == ".gguf" else sorted(path.glob("*.gguf"))
    if len(files) > 1:
        raise InputError(f"{path}: holds several models; name one of {', '.join(file.name for file in files)}")
    if files:
        return _gguf(files[0])
    if (path / "genai_config.json").is_file():
        needed("onnxruntime_genai")
        engine = Onnx(path)
        return _speaker(path.name, OneRow(engine, engine.context), tokenizer_at(ModelPlace(str(path))), "onnxruntime-genai")
    if not (path / "config.json").is_file():
        raise InputError(
            f"{path}: no exported model: wanted a folder with config.json and *.safetensors, or with genai_config.json, "
            f"or a .gguf file"
        )
    place = ModelPlace(str(path))
    return _speaker(path.name, model_at(place, "auto").eval(), tokenizer_at(place), "transformers")


def _gguf(file: Path) -> Speaker:
    """Through llama.cpp where llama-cpp-python is installed, else read back into transformers, in 32 bits."""
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    beside = (file.parent / "tokenizer.json").is_file()
    if find_spec("llama_cpp") is not None:
        engine = LlamaCpp(file)
        tokenizer = tokenizer_at(ModelPlace(str(file.parent))) if beside else _gguf_tokenizer(file)
        return _speaker(file.stem, OneRow(engine, engine.context), tokenizer, "llama.cpp")
    needed("gguf")
    tokenizer = tokenizer_at(ModelPlace(str(file.parent))) if beside else _gguf_tokenizer(file)
    return _speaker(file.stem, _gguf_model(file), tokenizer, "transformers, from GGUF")


def _gguf_tokenizer(file: Path) -> "PreTrainedTokenizerFast":
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)


def _gguf_model(file: Path) -> Any:
    """The file's weights in a model of transformers, which reads the sizes of a GGUF file but not how its rope is scaled."""
    import io
    from contextlib import redirect_stderr

    from transformers import AutoConfig, AutoModelForCausalLM

    beside = (file.parent / "config.json").is_file()
    config = AutoConfig.from_pretrained(file.parent) if beside else None
    if config is not None and FAMILIES.get(config.model_type) != config.model_type:
        config = None  # a mistral is a llama there, and is read back as one
    if config is None and _scales_rope(file):
        raise InputError(
            f"{file}: transformers cannot read how its rope is scaled: install llama-cpp-python, or put config.json beside it"
        )
    with redirect_stderr(io.StringIO()):  # a bar of tqdm that nothing turns off
        given = {} if config is None else {"config": config}
        return AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype="float32", **given).eval()


def _scales_rope(file: Path) -> bool:
    from gguf import GGUFReader

    found = GGUFReader(file)
    names = [*found.fields, *(tensor.name for tensor in found.tensors)]
    return any(".rope.scaling." in name or name.startswith("rope_f") for name in names)


def _speaker(name: str, model: Any, tokenizer: "PreTrainedTokenizerFast", runtime: str) -> Speaker:
    return Speaker(name, model, tokenizer, stop_ids(model, tokenizer), runtime)
