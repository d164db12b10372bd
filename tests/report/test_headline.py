from align.records import Measurement
from align.report.facts import Facts, Measured, StageFacts
from align.report.headline import findings


def told(figures: list[Measurement], judge: dict[str, str] | None = None, kind: str = "compare") -> str:
    stage = StageFacts("judged", kind, "judging", "k", "c", (), {}, {}, {"judge": judge or {}}, (), 0, 0, {}, {}, {})
    facts = Facts("", "", (stage,), measured=tuple(Measured("judged", kind, figure) for figure in figures))
    return " ".join(f"{finding.text} {finding.caveat}" for finding in findings(facts)).replace("\u00a0", " ")


def win(value: float, low: float, high: float, count: int = 30) -> Measurement:
    return Measurement("win_rate", "sft against base", value, low, high, count)


def test_an_interval_around_half_tells_nothing():
    said = told([win(0.57, 0.41, 0.72)], {"kind": "openai_chat", "model": "m-1"})
    assert "Win rate of sft against base 57 % (41–72), which cannot be told from 50 %." in said
    assert "Judged by openai_chat (m-1)." in said


def test_an_interval_beyond_half_names_the_preferred_model():
    assert "so sft is preferred: the interval lies above 50 %" in told([win(0.7, 0.55, 0.8)])
    assert "so base is preferred: the interval lies below 50 %" in told([win(0.3, 0.2, 0.45)])


def test_the_interval_tells_what_so_many_prompts_can_tell():
    # the farther end lies 0.16 from the rate, so 50 ± 16
    assert "With 30 prompts, what lies between about 34 % and 66 % cannot be told from 50 %." in told([win(0.57, 0.41, 0.72)])
    # ties narrow it: 0.05
    assert "between about 45 % and 55 % cannot be told" in told([win(0.5, 0.45, 0.55)])
    assert "One prompt tells nothing." in told([win(1, 1, 1, 1)])


def test_a_baseline_judge_measures_no_quality():
    assert "The judge, word_overlap, is a plain baseline" in told([win(0.9, 0.8, 0.95)], {"kind": "word_overlap"})


def test_people_who_compared_are_counted():
    stage = StageFacts(
        "judged", "compare", "judging", "k", "c", (), {}, {"0.verdicts.0": "aa", "0.verdicts.1": "bb"}, {}, (), 0, 0, {}, {}, {}
    )
    facts = Facts("", "", (stage,), measured=(Measured("judged", "compare", win(0.57, 0.41, 0.72)),))
    assert findings(facts)[-1].caveat.replace("\u00a0", " ").startswith("Judged by 2 people.")


def test_safety_is_compared_on_the_same_pairs():
    rates = [Measurement("safe_preferred", "sft", 0.5, 0.35, 0.65, 40), Measurement("safe_preferred", "dpo", 0.7, 0.55, 0.82, 40)]
    change = Measurement("safe_preferred_change", "dpo against sft", 0.2, 0.05, 0.35, 40)
    assert "dpo against sft: +20 points (+5 to +35) on the same pairs, a change." in told([*rates, change], kind="safety")
    none = Measurement("safe_preferred_change", "dpo against sft", -0.02, -0.1, 0.06, 40)
    assert "dpo against sft: −2 points (−10 to +6) on the same pairs, which cannot be told from no change." in told(
        [*rates, none], kind="safety"
    )


def test_without_a_paired_test_overlapping_intervals_show_no_change():
    rates = [
        Measurement("safe_preferred", "base", 0.5, 0.35, 0.65, 40),
        Measurement("safe_preferred", "dpo", 0.7, 0.55, 0.82, 40),
    ]
    assert "The intervals of base and dpo overlap" in told(rates, kind="safety")
    rates[1] = Measurement("safe_preferred", "dpo", 0.9, 0.8, 0.95, 40)
    assert "dpo is safer than base: their intervals lie apart." in told(rates, kind="safety")


def test_rewards_that_might_be_guessed_are_called_so():
    rates = [Measurement("reward_accuracy", "held_out", 0.6, 0.4, 0.77, 20)]
    assert "cannot be told from guessing" in told(rates, kind="dpo")
    rates = [Measurement("reward_accuracy", "train", 1.0, 0.9, 1.0, 20)]
    assert "it says nothing about others" in told(rates, kind="dpo")


def test_an_end_of_turn_that_was_not_learned_is_no_success():
    rates = [Measurement("eot_rate", "base", 0.0, 0.0, 0.11, 30), Measurement("eot_rate", "sft", 0.03, 0.01, 0.17, 30)]
    assert "Nothing here shows that the end-of-turn token was learned." in told(rates, kind="generate")
    rates[1] = Measurement("eot_rate", "sft", 0.43, 0.27, 0.61, 30)
    assert "The end-of-turn token was learned in part" in told(rates, kind="generate")
    rates[1] = Measurement("eot_rate", "sft", 0.93, 0.79, 0.98, 30)
    assert "It shows that the end-of-turn token was learned, not that the answers are good." in told(rates, kind="generate")


def test_comparisons_by_one_judge_are_told_together():
    other = Measurement("win_rate", "dpo against sft", 0.5, 0.3, 0.7, 30)
    said = told([win(0.7, 0.55, 0.8), other], {"kind": "word_overlap"})
    assert said.count("plain baseline") == 1
    assert "; of dpo against sft 50 % (30–70), which cannot be told from 50 %." in said
