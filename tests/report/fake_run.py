"""A run made of hand-written records: each stage is a folder with a manifest, as the runner leaves it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from align.artifact import Artifact, Counts, content_hash, digest_of
from align.files import write_json, write_records
from align.records import Author, Example, Measurement, Origin, PreferencePair, Response, TrainingStep, Turn

Make = Callable[..., Artifact]


def maker(store: Path) -> Make:
    """Writes one stage's artifact; `inputs` and `named` are artifacts above it."""

    def write(
        name: str,
        kind: str,
        records: Sequence[Any] = (),
        inputs: Sequence[Artifact] = (),
        named: dict[str, Artifact] | None = None,
        counts: Counts | None = None,
        parameters: dict[str, Any] | None = None,
        raw: dict[str, dict[str, str]] | None = None,
    ) -> Artifact:
        key = digest_of([name, kind])
        path = store / "artifacts" / key
        path.mkdir(parents=True)
        for record, rows in groupby(records, type):
            write_records(path, record, list(rows))
        manifest = {
            "stage": name,
            "kind": kind,
            "parameters": parameters or {},
            "versions": [f"{kind}=1"],
            "content": content_hash(path),
            "inputs": [lineage(item) for item in inputs],
            "named": {field: lineage(item) for field, item in (named or {}).items()},
            "raw": raw or {},
            "counts": asdict(counts or Counts(len(records), len(records))),
            "started": "2024-05-01T10:00:00+00:00",
            "seconds": 1.5,
            "align": "0.1.0",
        }
        write_json(path / "manifest.json", manifest)
        return Artifact(name, key, manifest["content"], path, manifest)

    return write


def lineage(artifact: Artifact) -> dict[str, str]:
    return {"stage": artifact.name, "key": artifact.key, "content": artifact.content}


def example(site: str, number: int, prompt: str = "Why?", response: str = "So.", tags: tuple[str, ...] = ()) -> Example:
    author = Author("Edda", "https://clocks.example/users/3", "answer", "CC BY-SA 4.0")
    origin = Origin("stack_exchange", f"{number}/{number + 1}", f"https://{site}.example/q/{number}", authors=(author,))
    turns = (Turn("user", prompt), *([Turn("assistant", response)] if response else []))
    return Example(f"stack_exchange/{site}/{number}", turns, origin, tags)


def pair(number: int) -> PreferencePair:
    origin = Origin("beavertails", str(number), authors=(Author("", role="answer", license="CC BY-NC 4.0"),))
    return PreferencePair(f"beavertails/{number}", (Turn("user", "May I?"),), "Better not.", "Sure.", origin)


def answer(prompt: Example, model: str, text: str, ended: bool = True) -> Response:
    return Response(
        prompt.id, model, (*prompt.turns[:1], Turn("assistant", text)), "{}", tokens=len(text.split()) + 1, ended=ended
    )


def whole(make: Make) -> list[Artifact]:
    """Dumps to a judged model, small enough to count by hand."""
    prompts = [example("prompts", n, f"Question {n}?", "", ("sensitive",) if n == 3 else ()) for n in range(1, 11)]
    test = make("test_prompts", "ingest", prompts)
    site = [example("clocks", n) for n in range(4)] + [example("kites", n) for n in range(2)]
    raw = {"0.dumps.0": {"path": "/home/somebody/dumps/clocks.7z", "sha256": "ab" * 32}}
    dump = make(
        "dump", "ingest", site, counts=Counts(90, 60, skipped={"unanswered": 30}), raw=raw,
        parameters={"source": {"kind": "stack_exchange", "prompt": "random", "seed": 1}},
    )  # fmt: skip
    rules = make("rules", "filter", site, [dump], counts=Counts(60, 12, {"length: too short": 40, "score: below": 8}))
    clean = make(
        "clean", "contamination", [*site, Measurement("evaluation_items_found", "test_prompts", 1, count=10)], [rules],
        {"against.0": test}, Counts(12, 11, {"contamination: in test_prompts": 1}),
    )  # fmt: skip
    taken = [
        Measurement("quota_wanted", "stem", 5), Measurement("quota_eligible", "stem", 8, count=8),
        Measurement("quota_taken", "stem", 4, count=8),
        Measurement("site_eligible", "clocks", 6, count=6, method="stem"), Measurement("site_taken", "clocks", 4, count=6, method="stem"),
        Measurement("site_eligible", "kites", 2, count=2, method="other"), Measurement("site_taken", "kites", 2, count=2, method="other"),
    ]  # fmt: skip
    final = make("final", "quota", [*site, *taken], [clean], counts=Counts(11, 6, {"quota: not drawn": 5}))
    base = make("base", "pretrain", curve("loss", 7.0, 20), [], counts=Counts(100, 100))
    sft = make(
        "sft", "sft", [*curve("loss", 3.0, 40), *curve("learning_rate", 1e-3, 40), Measurement("trained_tokens", "train", 12345, count=6)],
        [final], {"model": base}, Counts(6, 6), {"learning_rate": 1e-3, "epochs": 15},
    )  # fmt: skip
    pairs = make("pairs", "preferences", [pair(n) for n in range(3)], [], counts=Counts(5, 3, {"both unsafe": 2}))
    held = make("held_out", "preferences", [pair(n) for n in range(10, 12)])
    dpo = make(
        "dpo", "dpo",
        [*curve("loss", 0.69, 10), *curve("rewards/margins", 0.1, 10), Measurement("reward_accuracy", "held_out", 0.6, 0.3, 0.85, 10, "Wilson 95 %")],
        [pairs], {"model": sft, "held_out": held}, Counts(3, 3),
    )  # fmt: skip
    models = [base, sft, dpo]
    answers = []
    for number, model in enumerate(models):
        rows: list[Any] = [answer(prompt, model.name, f"{model.name} says this.", number > 0) for prompt in prompts]
        share = [0.0, 0.9, 1.0][number]
        rows += [
            Measurement("eot_rate", model.name, share, max(0.0, share - 0.3), min(1.0, share + 0.08), 10, "Wilson 95 %"),
            Measurement("mean_response_tokens", model.name, 40.25 - number, 30, 50, 10),
            Measurement("repetition", model.name, 0.125, 0.05, 0.2, 10),
        ]
        answers.append(make(f"{model.name}_answers", "generate", rows, [test], {"model": model}, Counts(10, 10)))
    subject = "sft against base"
    compared = make(
        "judged", "compare",
        [
            Measurement("wins", subject, 5, count=10), Measurement("ties", subject, 2, count=10), Measurement("losses", subject, 3, count=10),
            Measurement("win_rate", subject, 0.6, 0.34, 0.81, 10, "bootstrap over prompts, 95 %"),
            Measurement("unparsed", subject, 0, count=10), Measurement("flip_rate", subject, 0.1, 0.02, 0.4, 10),
        ],
        answers[:2], parameters={"judge": {"kind": "word_overlap"}},
    )  # fmt: skip
    perplexity = make(
        "perplexity", "perplexity",
        [Measurement("perplexity", f"sft/epoch-{n:02d}", 40 - 3 * n + n * n / 2, 30, 50, 500) for n in range(1, 6)],
        [test], {"model": sft},
    )  # fmt: skip
    safety = make(
        "safety", "safety",
        [Measurement("safe_preferred", "base", 0.5, 0.31, 0.69, 24, "Wilson 95 %"), Measurement("safe_preferred", "dpo", 0.875, 0.69, 0.96, 24, "Wilson 95 %")],
        [held], {"models.0": base, "models.1": dpo},
    )  # fmt: skip
    return [test, dump, rules, clean, final, base, sft, pairs, held, dpo, *answers, compared, perplexity, safety]


def curve(name: str, start: float, steps: int) -> list[TrainingStep]:
    return [TrainingStep(step, step / 10, name, start * (1 - 0.5 * step / steps)) for step in range(1, steps + 1)]
