"""Engines other than transformers, so that `decode` and `log_likelihoods` can ask them as they ask a model of transformers."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from align.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    Logits = np.ndarray[Any, np.dtype[np.float32]]

MOST_CONTEXT = 8192
"""Both engines set memory aside for the whole context before they begin; a longer one is cut to this."""


class Engine(Protocol):
    """Reads tokens one after the other."""

    def reset(self) -> None:
        """Forget everything read."""

    def read(self, ids: Sequence[int]) -> "Logits":
        """Logits after the last of these tokens, shape (vocabulary,)."""


class OneRow:
    """What `decode` needs of a model, over an engine that answers one prompt at a time."""

    device = "cpu"

    def __init__(self, engine: Engine, context: int) -> None:
        self.engine = engine
        self.config = SimpleNamespace(max_position_embeddings=context)
        self.generation_config = SimpleNamespace(eos_token_id=None)

    def forward(self, input_ids: Any, attention_mask: Any, past_key_values: Any = None, use_cache: bool = True) -> Any:
        """Logits as transformers gives them; of the last position alone, unless nothing is kept, as for likelihoods."""
        import numpy as np
        import torch

        (ids,) = input_ids.tolist()
        if past_key_values is None:
            self.engine.reset()
        rows = [self.engine.read(ids)] if use_cache else [self.engine.read([number]) for number in ids]
        return SimpleNamespace(logits=torch.from_numpy(np.stack(rows)[None]), past_key_values=self)

    __call__ = forward


class Onnx:
    """onnxruntime-genai on the CPU."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime_genai

        self._genai: Any = onnxruntime_genai
        self._model = self._genai.Model(str(folder))
        told = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))
        self.context = min(int(told["model"]["context_length"]), MOST_CONTEXT)

    def reset(self) -> None:
        asked = self._genai.GeneratorParams(self._model)
        asked.set_search_options(max_length=self.context, batch_size=1)
        self._generator = self._genai.Generator(self._model, asked)

    def read(self, ids: Sequence[int]) -> "Logits":
        import numpy as np

        self._generator.append_tokens(np.array([ids], dtype=np.int32))
        return np.array(self._generator.get_logits(), dtype=np.float32).reshape(-1)


class LlamaCpp:
    """llama.cpp through llama-cpp-python, where that is installed."""

    def __init__(self, file: Path) -> None:
        import llama_cpp

        self._library: Any = llama_cpp
        try:
            self._llama = llama_cpp.Llama(str(file), n_ctx=32, verbose=False)
            told = next(int(value) for name, value in self._llama.metadata.items() if name.endswith(".context_length"))
            self.context = min(told, MOST_CONTEXT)
            self._llama = llama_cpp.Llama(str(file), n_ctx=self.context, verbose=False)
        except (ValueError, StopIteration) as error:
            raise InputError(f"{file}: llama.cpp cannot read it: {error}") from error

    def reset(self) -> None:
        self._llama.reset()

    def read(self, ids: Sequence[int]) -> "Logits":
        import numpy as np

        self._llama.eval(ids)
        found = self._library.llama_get_logits_ith(self._llama.ctx, -1)
        return np.ctypeslib.as_array(found, shape=(self._llama.n_vocab(),)).astype(np.float32)
