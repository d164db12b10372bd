"""A tokenizer as GGUF holds it: tokens with their types, merges or scores, and the ids that end a text."""

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from align.errors import ExportRefused
from align.tokens import eot_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + _TAIL
_QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + _TAIL
SPLITS = {_GPT2: "gpt-2", _LLAMA3: "llama-bpe", _QWEN2: "qwen2"}
"""How a tokenizer cuts a text before it merges, and llama.cpp's name for that."""
MARK = "▁"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""llama.cpp's types of tokens."""


class Vocabulary(NamedTuple):
    """What goes into the file's `tokenizer.ggml` keys."""

    model: str
    """`gpt2`: byte-level BPE by merges; `llama`: SentencePiece's BPE by scores."""
    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str]
    scores: list[float]
    space_prefix: bool
    """Whether a text gets a space in front, after a special token too."""


def vocabulary_of(tokenizer: "PreTrainedTokenizerFast", rows: int) -> Vocabulary:
    """The vocabulary, filled up to the `rows` of the embedding; refuses a tokenizer that llama.cpp would read otherwise."""
    told: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    if told["model"]["type"] != "BPE":
        raise ExportRefused(f"gguf: the tokenizer is a {told['model']['type']} model; only BPE is written. {_OTHER_FORMS}")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in told["model"]["merges"]]
    tokens, types = _tokens(tokenizer, rows, bool(told["model"]["byte_fallback"]))
    if told["model"]["byte_fallback"]:
        prefix = _space_prefix(told)
        return Vocabulary("llama", "default", tokens, types, [], _scores(tokens, merges), prefix)
    return Vocabulary("gpt2", _split_name(told), tokens, types, merges, [], False)


_OTHER_FORMS = "The formats hf and onnx-int4 take any tokenizer."


def _tokens(tokenizer: "PreTrainedTokenizerFast", rows: int, has_bytes: bool) -> tuple[list[str], list[int]]:
    """Each id's text and type; rows of the embedding that no token uses are named as llama.cpp's converter names them."""
    tokens, types = [f"[PAD{number}]" for number in range(rows)], [UNUSED] * rows
    added = tokenizer.added_tokens_decoder
    for text, number in tokenizer.get_vocab().items():
        if number >= rows:  # Qwen2Tokenizer adds <|endoftext|> where there is none; the model cannot say it
            continue
        tokens[number] = text
        if number in added:
            types[number] = CONTROL if added[number].special else USER_DEFINED
        else:
            types[number] = BYTE if has_bytes and len(text) == 6 and text.startswith("<0x") else NORMAL
    if tokenizer.unk_token_id is not None and tokenizer.unk_token_id < rows:
        types[tokenizer.unk_token_id] = UNKNOWN
    return tokens, types


def _scores(tokens: list[str], merges: list[str]) -> list[float]:
    """SentencePiece's BPE merges the pair of the highest score first: an earlier merge gets a higher one."""
    ranks: dict[str, int] = {}
    for rank, pair in enumerate(merges):
        left, _, right = pair.partition(" ")
        ranks.setdefault(left + right, rank)
    return [-float(ranks.get(text, len(merges))) for text in tokens]


def _split_name(told: dict[str, Any]) -> str:
    steps = _steps(told["pre_tokenizer"], "pretokenizers")
    levels = [step for step in steps if step["type"] == "ByteLevel"]
    splits = [step for step in steps if step["type"] == "Split"]
    normalizers = {step["type"] for step in _steps(told["normalizer"], "normalizers")}
    is_plain = len(levels) == 1 and len(levels) + len(splits) == len(steps) and not levels[0]["add_prefix_space"]
    if is_plain and normalizers <= {"NFC"}:
        if levels[0]["use_regex"] and not splits:
            return "gpt-2"
        if len(splits) == 1 and splits[0]["behavior"] == "Isolated" and not levels[0]["use_regex"]:
            name = SPLITS.get(splits[0]["pattern"].get("Regex", ""))
            if name:
                return name
    raise ExportRefused(
        f"gguf: the tokenizer cuts texts in a way that llama.cpp has no known name for "
        f"({json.dumps(told['pre_tokenizer'])[:200]}); known are those of GPT-2, Llama 3 and Qwen 2. {_OTHER_FORMS}"
    )


def _space_prefix(told: dict[str, Any]) -> bool:
    """Whether a SentencePiece-like tokenizer puts a space before a text, in either of the two ways to write that."""
    steps = [*_steps(told["normalizer"], "normalizers"), *_steps(told["pre_tokenizer"], "pretokenizers")]
    if not {step["type"] for step in steps} <= {"Prepend", "Replace", "Metaspace"}:
        raise ExportRefused(
            f"gguf: the tokenizer changes texts in a way that llama.cpp does not ({json.dumps(steps)[:200]}). {_OTHER_FORMS}"
        )
    return any(step["type"] == "Prepend" or step.get("prepend_scheme") in ("always", "first") for step in steps)


def _steps(told: dict[str, Any] | None, inside: str) -> list[dict[str, Any]]:
    if told is None:
        return []
    return list(told[inside]) if told["type"] == "Sequence" else [told]


def add_vocabulary(writer: Any, tokenizer: "PreTrainedTokenizerFast", rows: int) -> None:
    """Write the tokenizer's keys, EOT and EOS among them: llama.cpp ends an answer at either."""
    found = vocabulary_of(tokenizer, rows)
    writer.add_tokenizer_model(found.model)
    writer.add_tokenizer_pre(found.pre)
    writer.add_token_list(found.tokens)
    writer.add_token_types(found.types)
    if found.merges:
        writer.add_token_merges(found.merges)
    if found.scores:
        writer.add_token_scores(found.scores)
        writer.add_add_space_prefix(found.space_prefix)
    end = eot_id(tokenizer)
    ids = {"bos": tokenizer.bos_token_id, "eos": tokenizer.eos_token_id, "pad": tokenizer.pad_token_id}
    ids |= {"eos": end if ids["eos"] is None else ids["eos"], "eot": end, "unk": tokenizer.unk_token_id}
    for name, number in ids.items():
        if number is not None and number < rows:
            getattr(writer, f"add_{name}_token_id")(number)
    writer.add_add_bos_token(tokenizer.bos_token_id is not None)
    writer.add_add_eos_token(False)
    if isinstance(tokenizer.chat_template, str):
        writer.add_chat_template(tokenizer.chat_template)
