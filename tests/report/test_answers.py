from dataclasses import replace

from fake_run import answer, example

from align.records import TrainingStep
from align.report.answers import choose, curves, samples, shortened, thinned
from align.report.figures import curve_chart, funnel_chart, interval_chart, moving_average, perplexity_chart, verdict_chart


def test_a_long_curve_is_thinned_to_means_of_neighbours():
    # seven points to at most four: groups of two, the last alone
    points = [(float(n), float(n * n)) for n in range(1, 8)]
    assert thinned(points, 4) == [(1.5, 2.5), (3.5, 12.5), (5.5, 30.5), (7.0, 49.0)]
    assert thinned(points, 7) == points


def test_sensitive_prompts_are_among_the_samples():
    ids = [str(n) for n in range(12)]
    # of 6 a third is sensitive: "9" and "11" are all there are; four others, each third of the ten left
    assert choose(ids, {"9", "11"}, 6) == ["0", "2", "5", "7", "9", "11"]
    assert choose(ids[:3], {"1"}, 8) == ["0", "1", "2"]
    assert choose(ids[:3], {"0", "1", "2"}, 2) == ["0", "1"]
    assert choose([], set(), 5) == []


def test_only_prompts_that_all_models_answered_are_shown(make):
    prompts = [example("clocks", n, f"Question {n}?", "") for n in range(3)]
    test = make("test", "ingest", prompts)
    one = make("one", "generate", [answer(prompt, "one", "a") for prompt in prompts], [test])
    two = make("two", "generate", [answer(prompts[1], "two", "b")], [test])
    found = samples([test, one, two], 5)
    assert [sample.prompt_id for sample in found] == [prompts[1].id]
    assert [item.model for item in found[0].answers] == ["one", "two"]


def test_a_text_that_fits_is_left_whole():
    assert shortened("abc", 3) == ("abc", 0)
    assert shortened("abcd", 3) == ("abc", 1)


def test_the_step_counter_is_no_curve(make):
    sft = make("sft", "sft", [TrainingStep(1, 0.5, "epoch", 0.5), TrainingStep(1, 0.5, "loss", 2.0)])
    assert [curve.name for curve in curves([sft])] == ["loss"]


def test_a_moving_average_keeps_a_straight_line_straight():
    line = [(float(n), 2.0 * n) for n in range(200)]
    # away from the ends the neighbours lie evenly around
    assert moving_average(line)[10:-10] == line[10:-10]


def test_charts_of_nothing_are_nothing():
    assert funnel_chart([]) == ""
    assert interval_chart([], {}) == ""
    assert perplexity_chart([], {}) == ""
    assert verdict_chart([("a against b", 0, 0, 0)], {}) == ""


def test_a_chart_takes_the_colour_of_the_page(make):
    sft = make("sft", "sft", [TrainingStep(n, n, "loss", 1 / n) for n in range(1, 9)])
    svg = curve_chart(curves([sft])[0], "#3f7fbf")
    assert svg.startswith('<svg class="chart"')
    assert "currentColor" in svg
    assert "#3f7fbf" in svg
    assert 'fill="white"' not in svg


def test_an_answer_tells_how_it_ended(make):
    prompt = example("clocks", 1, "Question?", "")
    test = make("test", "ingest", [prompt])
    said = [
        replace(answer(prompt, "sft", "a b c"), sampling='{"max_new_tokens": 4}'),
        replace(answer(prompt, "base", "a b c", ended=False), sampling='{"max_new_tokens": 4}'),
        replace(answer(prompt, "odd", "a b c", ended=False), sampling='{"max_new_tokens": 128}'),
        replace(answer(prompt, "foreign", "a b c", ended=False), sampling="unknown"),
    ]
    stages = [make(response.model, "generate", [response], [test]) for response in said]
    # three words and one token more: 4 reach the limit of 4, but not that of 128
    assert [item.end for item in samples([test, *stages], 1)[0].answers] == ["EOT", "limit", "stopped", "limit"]
