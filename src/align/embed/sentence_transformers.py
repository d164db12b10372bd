"""Sentence embeddings by a model: a folder, or a commit on the hub."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from align.embed.embedder import Embedder, Encoder
from align.errors import InputError
from align.parts import RawFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMMIT = re.compile(r"[0-9a-f]{40}")


class SentenceTransformers(Embedder):
    """Vectors by a model of the sentence-transformers library (`pip install align-lm[embed]`); no code of a model is run."""

    kind: Literal["sentence_transformers"] = "sentence_transformers"
    path: RawFile | None = None
    """Folder of the model, as `SentenceTransformer.save` writes it."""
    hub: str | None = None
    """Name on the Hugging Face hub, e.g. sentence-transformers/all-MiniLM-L6-v2; needs `revision`."""
    revision: str | None = None
    """Commit of the hub's repository, 40 hexadecimal digits."""
    max_tokens: int | None = Field(default=None, ge=2)
    """Longer texts are cut to this; by default to what the model reads (256 of MiniLM: the first page of a long answer)."""
    batch_size: int = Field(default=32, ge=1)
    """Texts at once."""

    learns: ClassVar[bool] = False

    @model_validator(mode="after")
    def _one_place(self) -> "SentenceTransformers":
        if (self.path is None) == (self.hub is None):
            raise ValueError("give either `path` (a folder) or `hub` with `revision`")
        if self.hub is not None and not COMMIT.fullmatch(self.revision or ""):
            raise ValueError(f"`revision` of {self.hub} must be a commit of 40 hexadecimal digits (got {self.revision!r})")
        if self.path is not None and self.revision is not None:
            raise ValueError("a folder has no `revision`: its bytes are hashed")
        return self

    def prepare(self, sample: Sequence[str]) -> Encoder:
        from align.artifact import digest_of
        from align.files import hash_tree

        model = self._load()
        if self.max_tokens is not None:
            model.max_seq_length = self.max_tokens
        decided = [self.kind, self.version, self.hub, self.revision, self.max_tokens]
        identity = digest_of([*decided, hash_tree(self.path) if self.path is not None else ""])

        def encode(texts: Sequence[str]) -> "NDArray[np.float32]":
            import numpy as np

            found = model.encode(
                list(texts), batch_size=self.batch_size, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
            )
            is_empty = np.array([not text.strip() for text in texts])
            return np.where(is_empty[:, None], 0, found).astype(np.float32)

        return Encoder(int(model.get_embedding_dimension()), encode, identity)

    def _load(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise InputError(
                f"embedder sentence_transformers: the package is not installed ({error}). "
                f"`pip install 'align-lm[embed]'`, or take `kind: tfidf`."
            ) from error
        place = str(self.path) if self.path is not None else str(self.hub)
        try:
            return SentenceTransformer(
                place, revision=self.revision, trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{place}: cannot be loaded as a sentence-transformers model: {str(error).splitlines()[0]}"
            ) from error
