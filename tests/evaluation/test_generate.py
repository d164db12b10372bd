"""The `generate` stage on a random model."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from evaluation_setting import CONTEXT, make_model, make_tokenizer, prompt, run_stage, save_model, save_records

from align.artifact import Artifact, content_hash
from align.errors import EmptyResult, InputError
from align.evaluation.answering import prompt_of
from align.evaluation.decoding import Sampling, decode
from align.evaluation.generate import Generate
from align.evaluation.response_figures import repetition
from align.files import read_records
from align.records import Example, Measurement, Origin, Rejection, Response, Turn
from align.stage import Forecast
from align.tokens import EOT, eot_id, render_prompt

QUESTIONS = [
    "Why is the sky blue?",
    "Tea?",
    "How do I boil an egg",
    "Name a river",
    "Is it late?",
    "Bread or rice?",
    "A",
    "Sing!",
]


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return save_records(tmp_path_factory.mktemp("prompts"), "prompts", [prompt(n, text) for n, text in enumerate(QUESTIONS)])


GREEDY = Sampling(top_p=1.0, temperature=0, repetition_penalty=1.2, repetition_scope="generated")


def exhaust(decoder):
    """What a generator returns."""
    while True:
        try:
            next(decoder)
        except StopIteration as stop:
            return stop.value


def answers(work: Path) -> dict[tuple[str, int], tuple[str, int, bool]]:
    return {(item.prompt_id, item.sample): (item.text, item.tokens, item.ended) for item in read_records(work, Response)}


def test_a_response_does_not_depend_on_the_batch_it_was_made_in(prompts: Artifact, model: Artifact, tmp_path: Path) -> None:
    for batch_size in (1, 3, 8):
        stage = Generate(model="sft", max_new_tokens=24, batch_size=batch_size, samples=2, seed=1)
        run_stage(stage, tmp_path / str(batch_size), [prompts], model=model)
    alone = answers(tmp_path / "1")
    assert len(alone) == 16
    assert len({text for text, _, _ in alone.values()}) == 16, "the sampler must give every prompt and sample its own numbers"
    assert answers(tmp_path / "3") == alone
    assert answers(tmp_path / "8") == alone


def test_a_response_does_not_depend_on_the_other_prompts(prompts: Artifact, model: Artifact, tmp_path: Path) -> None:
    one = save_records(tmp_path / "prompts", "prompts", [prompt(3, QUESTIONS[3])])
    stage = Generate(model="sft", max_new_tokens=16, seed=1)
    run_stage(stage, tmp_path / "one", [one], model=model)
    run_stage(stage, tmp_path / "all", [prompts], model=model)
    assert answers(tmp_path / "one").items() <= answers(tmp_path / "all").items()


def test_decoding_agrees_with_a_naive_loop_that_reads_everything_anew() -> None:
    import torch

    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    start = render_prompt((Turn("user", "Why is the sky blue?"),), tokenizer)
    found = exhaust(decode(model, [start, start[:5]], [20, 7], [Random(1)] * 2, {eot_id(tokenizer)}, GREEDY))
    said: list[int] = []
    for _ in range(20):
        with torch.no_grad():
            logits = model(torch.tensor([start + said])).logits[0, -1]
        for token in set(said):
            logits[token] = logits[token] * 1.2 if logits[token] < 0 else logits[token] / 1.2
        said.append(int(logits.argmax()))
        if said[-1] == eot_id(tokenizer):
            break
    assert found[0] == said
    assert len(found[1]) <= 7


def test_the_prompt_is_not_penalised_unless_the_recipe_says_so() -> None:
    tokenizer = make_tokenizer()
    model, start = make_model(tokenizer), render_prompt((Turn("user", "Why is the sky blue?"),), tokenizer)
    # the first token is drawn before anything was said: its logits are the model's own, or those with the prompt penalised
    free = exhaust(decode(model, [start], [1], [Random(1)], frozenset(), replace(GREEDY, repetition_penalty=1)))
    [[first]] = free
    start = [*start, first]  # now the likeliest token may stand in the prompt
    ids = {
        scope: exhaust(
            decode(
                model, [start], [20], [Random(1)], frozenset(), replace(GREEDY, repetition_penalty=1e6, repetition_scope=scope)
            )
        )[0]
        for scope in ("generated", "all")
    }
    # a penalty that no token survives: greedy decoding never repeats what counts as said
    assert len(set(ids["generated"])) == 20
    assert set(ids["generated"]) & set(start)
    assert not set(ids["all"]) & set(start)


@pytest.mark.parametrize(("end", "counts"), [(EOT, True), ("</s>", False)])
def test_a_response_stops_at_eot_and_at_eos_but_only_eot_counts_as_ended(tmp_path: Path, end: str, counts: bool) -> None:
    tokenizer, made = make_tokenizer(), save_model(tmp_path / "sft")
    data = save_records(tmp_path / "p", "prompts", [prompt(1, "Tea?")])
    stage = Generate(model="sft", max_new_tokens=12, temperature=0)
    run_stage(stage, tmp_path / "free", [data], model=made)
    [free] = read_records(tmp_path / "free", Response)
    assert (free.tokens, free.ended) == (12, False)
    # Trade the output rows of `end` and of the seventh token: up to there the model says the same, then it says `end`.
    loaded = make_model(tokenizer)
    start = render_prompt(free.turns[:1], tokenizer)
    ids = exhaust(decode(loaded, [start], [12], [Random(0)], frozenset(), GREEDY))[0]
    place = next(place for place in range(5, 12) if ids[place] not in ids[:place])
    rows = loaded.lm_head.weight.data
    pair = [ids[place], tokenizer.convert_tokens_to_ids(end)]
    rows[pair] = rows[pair[::-1]]
    loaded.save_pretrained(tmp_path / "sft" / "model")
    run_stage(stage, tmp_path / "ended", [data], model=made)
    [ended] = read_records(tmp_path / "ended", Response)
    assert (ended.text, ended.tokens, ended.ended) == (tokenizer.decode(ids[:place]), place + 1, counts)


def test_a_base_model_without_eot_answers_and_never_counts_as_ended(prompts: Artifact, base: Artifact, tmp_path: Path) -> None:
    run_stage(Generate(model="base", max_new_tokens=6), tmp_path / "work", [prompts], model=base)
    responses = list(read_records(tmp_path / "work", Response))
    assert len(responses) == 8
    assert not any(item.ended for item in responses)
    rate = next(item for item in read_records(tmp_path / "work", Measurement) if item.metric == "eot_rate")
    # 0 of 8, Wilson: 3.841459 / (8 + 3.841459)
    assert (rate.subject, rate.value, rate.low, rate.count) == ("base", 0.0, 0.0, 8)
    assert rate.high == pytest.approx(0.324, abs=1e-3)


def test_responses_keep_the_dialogue_the_sampling_and_the_order_of_the_prompts(
    prompts: Artifact, model: Artifact, tmp_path: Path
) -> None:
    counts = run_stage(Generate(model="sft", max_new_tokens=4, samples=2, seed=5), tmp_path / "work", [prompts], model=model)
    responses = list(read_records(tmp_path / "work", Response))
    assert [(item.prompt_id, item.sample) for item in responses] == [
        (f"prompt/{n}", sample) for n in range(8) for sample in (0, 1)
    ]
    assert responses[2].turns[0] == Turn("user", "Tea?")
    assert responses[2].turns[-1].role == "assistant"
    assert json.loads(responses[0].sampling) == {
        "top_p": 0.9, "temperature": 0.7, "repetition_penalty": 1.2, "repetition_scope": "generated", "max_new_tokens": 4, "seed": 5,
    }  # fmt: skip
    assert (counts.read, counts.kept, counts.noted) == (8, 8, {"responses": 16})
    assert {item.metric: item.count for item in read_records(tmp_path / "work", Measurement)} == {
        "eot_rate": 8, "mean_response_tokens": 8, "repetition": 8,
    }  # fmt: skip


def test_a_named_checkpoint_answers_under_its_own_name(prompts: Artifact, model: Artifact, tmp_path: Path) -> None:
    for checkpoint in ("epoch-01", "epoch-02"):
        run_stage(Generate(model="sft", checkpoint=checkpoint, max_new_tokens=8), tmp_path / checkpoint, [prompts], model=model)
    assert {item.model for item in read_records(tmp_path / "epoch-01", Response)} == {"sft/epoch-01"}
    assert answers(tmp_path / "epoch-01") != answers(tmp_path / "epoch-02")
    with pytest.raises(InputError, match="did you mean 'epoch-01'"):
        run_stage(Generate(model="sft", checkpoint="epoch-1"), tmp_path / "none", [prompts], model=model)


def test_a_prompt_longer_than_the_context_is_rejected_and_a_long_one_gets_what_is_left(model: Artifact, tmp_path: Path) -> None:
    # BOS + text + EOT: 62 letters are 64 tokens and leave no room, 60 leave two tokens of the context of 64
    data = save_records(tmp_path / "p", "prompts", [prompt("long", "x" * 62), prompt("tight", "y" * 60), prompt("short", "z")])
    counts = run_stage(Generate(model="sft", max_new_tokens=10, seed=2), tmp_path / "work", [data], model=model)
    assert (counts.read, counts.kept, counts.dropped) == (3, 2, {"generate: prompt too long": 1})
    [rejection] = read_records(tmp_path / "work", Rejection)
    assert (rejection.example_id, rejection.detail) == ("prompt/long", "64 tokens, the model reads 64")
    lengths = {item.prompt_id: item.tokens for item in read_records(tmp_path / "work", Response)}
    assert lengths["prompt/tight"] <= 2
    assert CONTEXT == 64


def test_nothing_left_to_answer_names_the_first_prompt_and_its_length(model: Artifact, tmp_path: Path) -> None:
    data = save_records(tmp_path / "p", "prompts", [prompt("long", "x" * 99)])
    with pytest.raises(EmptyResult, match=r"prompt/long: prompt too long, 101 tokens, the model reads 64"):
        run_stage(Generate(model="sft"), tmp_path / "work", [data], model=model)


def test_a_prompt_that_comes_twice_is_refused_because_responses_are_matched_by_it(model: Artifact, tmp_path: Path) -> None:
    data = save_records(tmp_path / "p", "prompts", [prompt(1, "Tea?"), prompt(1, "Tea?")])
    with pytest.raises(InputError, match=r"'prompt/1' comes in twice"):
        run_stage(Generate(model="sft"), tmp_path / "work", [data], model=model)


def test_the_prompt_of_a_dialogue_ends_with_the_last_turn_of_the_user() -> None:
    turns = tuple(Turn(role, role[0]) for role in ("system", "user", "assistant", "user", "assistant"))
    assert prompt_of(Example("d", turns, Origin("test", "1"))) == turns[:4]
    assert prompt_of(Example("d", (Turn("document", "text"),), Origin("test", "1"))) == ()


def test_repetition_counts_four_word_sequences_that_came_before() -> None:
    # "a b c d a b c d": 5 sequences, abcd bcda cdab dabc abcd: one of five came before
    assert repetition("a b c d a b C d") == pytest.approx(0.2)
    assert repetition("only three words") == 0.0


def test_batches_that_are_finished_are_not_made_again(
    prompts: Artifact, model: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Generate(model="sft", max_new_tokens=6, batch_size=2, seed=1)
    run_stage(stage, tmp_path / "work", [prompts], model=model)
    before = content_hash(tmp_path / "work")
    (tmp_path / "work" / "scratch" / "responses" / "part-00002.parquet").unlink()
    asked = []
    from align.evaluation import answering

    real = answering.decode
    monkeypatch.setattr(
        answering, "decode", lambda model, prompts, *rest: asked.append(len(prompts)) or real(model, prompts, *rest)
    )
    run_stage(stage, tmp_path / "work", [prompts], model=model)
    assert asked == [2]
    assert content_hash(tmp_path / "work") == before


def test_the_forecast_counts_responses_and_their_longest_length() -> None:
    stage = Generate(model="sft", samples=5, max_new_tokens=100)
    found = stage.forecast([Forecast(300, basis="exact")], {})
    assert (found.examples, found.basis, found.figures) == (1500, "exact", {"responses": 1500, "max_tokens": 150_000})
    assert stage.forecast([Forecast()], {}).basis == "unknown"


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_generate
test_generate.answer_at_length(Path(sys.argv[2]), "killed")
"""


def answer_at_length(folder: Path, work: str) -> None:
    data, model = (
        Artifact("prompts", "k", "c", folder / "prompts", {"kind": "ingest"}),
        Artifact("sft", "k", "c", folder / "sft", {"kind": "sft"}),
    )
    run_stage(Generate(model="sft", max_new_tokens=100, batch_size=1, samples=3, seed=4), folder / work, [data], model=model)


@pytest.mark.long
@pytest.mark.slow
def test_a_run_killed_between_batches_and_begun_again_gives_the_same_bytes(tmp_path: Path) -> None:
    save_model(tmp_path / "sft", "sft", context=256)
    save_records(tmp_path / "prompts", "prompts", [prompt(n, text) for n, text in enumerate(QUESTIONS)])
    answer_at_length(tmp_path, "whole")
    parts = tmp_path / "killed" / "scratch" / "responses"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path)])
    while process.poll() is None and len(list(parts.glob("*.parquet"))) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert 3 <= len(list(parts.glob("*.parquet"))) < 24
    answer_at_length(tmp_path, "killed")
    assert content_hash(tmp_path / "killed") == content_hash(tmp_path / "whole")
