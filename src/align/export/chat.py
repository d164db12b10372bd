"""Talk to a model, turn by turn, with the rendering and the sampling of the `generate` stage."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from align.errors import InputError
from align.evaluation.answering import Answering
from align.evaluation.decoding import Sampling, decode
from align.export.speaker import Speaker
from align.records import Author, Example, Origin, Turn, as_json, content_of
from align.tokens import render_prompt


def sampling_of(given: Mapping[str, float | None]) -> Sampling:
    """How to draw: as given by name, else as the `generate` stage does by default (LIMA §4)."""
    names = ("top_p", "temperature", "repetition_penalty", "repetition_scope")
    defaults = {name: Answering.model_fields[name].default for name in names}
    return Sampling(**defaults | {name: value for name, value in given.items() if value is not None})


@dataclass(slots=True)
class Chat:
    """A dialogue that goes on; `turns` is what was said so far."""

    speaker: Speaker
    sampling: Sampling
    max_new_tokens: int
    random: Random
    turns: tuple[Turn, ...] = ()
    ended: bool = True
    """Whether the model ended its last answer itself."""

    def answer(self, text: str) -> Generator[str, None, None]:
        """Ask, and yield the answer piece by piece; an answer that is broken off stays in the dialogue as far as it came."""
        from tokenizers.decoders import DecodeStream

        asked = (*self.turns, Turn("user", text))
        tokenizer, ids = self.speaker.tokenizer, list[int]()
        prompt = render_prompt(asked, tokenizer)
        drawn = decode(
            self.speaker.model, [prompt], [self._room(len(prompt))], [self.random], self.speaker.stop_ids, self.sampling
        )
        stream, shown = DecodeStream(skip_special_tokens=True), ""
        try:
            for token in drawn:
                ids.append(token)
                piece = stream.step(tokenizer.backend_tokenizer, token) or ""
                shown += piece
                if piece:
                    yield piece
            # what a token at the end left unfinished: half of a character, say
            rest = tokenizer.decode(ids, skip_special_tokens=True)
            if rest.startswith(shown) and rest != shown:
                yield rest[len(shown) :]
        finally:
            self.ended = bool(ids) and ids[-1] in self.speaker.stop_ids
            if ids:
                self.turns = (*asked, Turn("assistant", tokenizer.decode(ids, skip_special_tokens=True)))

    def undo(self) -> bool:
        """Take back the last question and its answer; False where nothing was said."""
        had, self.turns = bool(self.turns), self.turns[:-2]
        return had

    def reset(self) -> None:
        self.turns = ()

    def save(self, path: Path) -> None:
        """Append the dialogue to a file of JSON lines, as an example that the source `json_lines` reads."""
        if not self.turns:
            raise InputError(f"{path}: nothing was said yet, so there is nothing to save")
        number = content_of(self.turns)
        origin = Origin("chat", number, authors=(Author(self.speaker.name, role="answer"),))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(as_json(Example(f"chat/{number}", self.turns, origin)) + "\n")
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error

    def _room(self, prompt_tokens: int) -> int:
        context = self.speaker.context
        room = self.max_new_tokens if context is None else min(self.max_new_tokens, context - prompt_tokens)
        if room < 1:
            raise InputError(
                f"the dialogue has {prompt_tokens} tokens and the model reads {context}: shorten it with /undo or /reset"
            )
        return room
