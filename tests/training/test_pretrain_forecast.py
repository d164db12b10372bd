import pytest
from small_models import TINY, document, records

from align.models import load_tokenizer
from align.stage import Forecast
from align.tokens import encode_document
from align.training.launch import Launch
from align.training.pretrain import Pretraining
from align.training.pretrain_forecast import in_words

TOKENIZER = Forecast(model={"vocab_size": 320}, basis="expected")
PHI3 = {"model_type": "phi3", "max_position_embeddings": 4096, "hidden_size": 3072, "num_attention_heads": 32}


def small(**fields) -> Pretraining:
    if "start" not in fields:
        fields = {"tokenizer": "t", "model": TINY, **fields}
    return Pretraining(**{"max_tokens": 64, "batch_size": 8, "learning_rate": 1e-2, **fields})


def expected(tokens: int | None) -> Forecast:
    return Forecast(10, tokens, "expected")


def named(**tokens: int | None) -> dict[str, Forecast]:
    return {"tokenizer": TOKENIZER} | {f"sources.{name}.stage": expected(count) for name, count in tokens.items()}


def test_steps_follow_from_tokens_before_the_documents_are_there():
    stage = small(sources={"web": {"stage": "a", "share": 0.75}, "code": {"stage": "b", "share": 0.25}}, tokens=100_000)
    forecast = stage.forecast([], named(web=None, code=5000))
    # 100,000 / 512 = 195.3 steps; 196 x 512 tokens
    assert (forecast.figures["steps"], forecast.figures["tokens"]) == (196, 100_352)
    assert forecast.tokens is None  # nobody knows yet how many the documents have
    notes = " ".join(forecast.notes)
    assert "web: 75,264 tokens read; how many passes that is" in notes
    # a quarter of 100,352 of 5,000
    assert "code: 25,088 tokens read of 5,000, 5.0 passes; up to 4 teach almost as much as new text" in notes
    assert "a step reads 8 x 64 = 512 tokens" in notes


def test_steps_follow_from_the_documents_where_epochs_say_how_often_each_is_read():
    stage = small(sources={"web": {"stage": "a", "epochs": 2}, "code": {"stage": "b", "epochs": 0.5}})
    forecast = stage.forecast([], named(web=64_000, code=12_800))
    # 2 x 64,000 + 6,400 = 134,400 tokens are 2,100 blocks, 263 batches of 8
    assert (forecast.figures["steps"], forecast.figures["tokens"]) == (263, 134_400)
    assert forecast.tokens == 76_800
    assert "unknown until the tokens of code are; `expect:` of the stage" in " ".join(
        stage.forecast([], named(web=64_000, code=None)).notes
    )


def test_a_limit_that_the_run_would_break_is_said_before_it_starts():
    stage = small(sources={"web": {"stage": "a", "share": 1.0, "max_epochs": 4}}, tokens=51_200)
    assert "would be refused: 10.0 passes, max_epochs: 4" in " ".join(stage.forecast([], named(web=5120)).notes)
    assert "refused" not in " ".join(stage.forecast([], named(web=12_800)).notes)


def test_the_plain_form_counts_its_epochs(tmp_path, tokenizer_artifact):
    data = records(tmp_path / "data", "data", map(document, range(10)))
    tokenizer = load_tokenizer(tokenizer_artifact)
    tokens = sum(len(encode_document(document(number).turns[0].text, tokenizer)) for number in range(10))
    source = Forecast(10, None, "exact", artifact=data)
    forecast = small(epochs=3).forecast([source], {"tokenizer": Forecast(model={"vocab_size": 320}, artifact=tokenizer_artifact)})
    assert forecast.tokens == tokens
    assert forecast.figures["tokens"] == 3 * tokens
    assert forecast.figures["steps"] == 3 * -(-(tokens // 64) // 8)
    assert not any("passes" in note for note in forecast.notes)


def test_a_phase_has_the_model_it_starts_from_with_the_longer_context():
    fields = {"start": "phase2", "max_tokens": 131_072, "batch_size": 32, "tokens": 5e9, "launch": Launch(processes=32)}
    sources = {"long": {"stage": "a", "share": 1.0}}
    start = {"start": Forecast(model=PHI3), "sources.long.stage": expected(10**9)}
    longer = small(**fields, sources=sources, context={"max_tokens": 131_072}).forecast([], start)
    assert longer.model["max_position_embeddings"] == 131_072
    assert longer.model["rope_parameters"]["long_factor"][-1] == pytest.approx(32)
    with pytest.raises(Exception, match="the model of `start` reads 4096 tokens; `context` extends it"):
        small(**fields, sources=sources).forecast([], start)


def test_a_named_shape_is_planned_before_its_tokenizer_is_there():
    stage = small(
        model={"shape": "phi-1.5"}, max_tokens=2048, batch_size=2048, tokens=150e9, sources={"x": {"stage": "a", "share": 1.0}}
    )
    forecast = stage.forecast([], {"tokenizer": Forecast(), "sources.x.stage": expected(None)})
    assert forecast.model["vocab_size"] == 51_200
    assert forecast.figures["steps"] == 35_763
    assert {"gpu_gigabytes", "hours", "disk_gigabytes"} <= forecast.figures.keys()


@pytest.mark.parametrize(("number", "said"), [(3.3e12, "3.3T"), (150e9, "150.0B"), (4_194_304, "4.2M"), (8192, "8,192")])
def test_large_numbers_are_said_in_words(number, said):
    assert in_words(number) == said
