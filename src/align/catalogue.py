"""The catalogue: every module that defines parts, imported in one place, and parts from installed packages."""

import importlib
from functools import cache
from importlib.metadata import entry_points

from align.errors import PartError

MODULES = (
    "align.sources.ingest",
    "align.sources.stack_exchange",
    "align.sources.wikihow",
    "align.sources.reddit",
    "align.sources.natural_instructions",
    "align.sources.json_lines",
    "align.sources.hub",
    "align.sources.invented_corpus",
    "align.filters.filter",
    "align.filters.length",
    "align.filters.score",
    "align.filters.first_person",
    "align.filters.cross_reference",
    "align.filters.repetition",
    "align.filters.language",
    "align.filters.private_data",
    "align.filters.code_share",
    "align.filters.capitals",
    "align.filters.symbols",
    "align.filters.tags",
    "align.filters.grade_sample",
    "align.filters.educational",
    "align.embed.tfidf",
    "align.embed.sentence_transformers",
    "align.dedup.exact",
    "align.dedup.minhash",
    "align.dedup.semantic",
    "align.dedup.contamination",
    "align.selection.quota",
    "align.selection.baselines",
    "align.selection.scorers.plain",
    "align.selection.scorers.csv_file",
    "align.selection.scorers.ifd",
    "align.selection.scorers.judged",
    "align.selection.diverse",
    "align.selection.scored",
    "align.selection.mix",
    "align.style.style",
    "align.curation.curate",
    "align.preferences.pairs",
    "align.preferences.labelled",
    "align.preferences.beavertails",
    "align.preferences.safe_rlhf",
    "align.preferences.hh_rlhf",
    "align.preferences.json_lines",
    "align.preferences.judged",
    "align.preferences.vote_pairs",
    "align.preferences.judged_pairs",
    "align.training.tokenizer",
    "align.training.base_model",
    "align.training.adapters",
    "align.training.pretrain",
    "align.training.sft",
    "align.training.dpo",
    "align.training.kto",
    "align.evaluation.generate",
    "align.judges.word_overlap",
    "align.judges.longest",
    "align.judges.openai_chat",
    "align.evaluation.compare",
    "align.evaluation.agreement",
    "align.evaluation.grade",
    "align.evaluation.perplexity",
    "align.evaluation.pick_checkpoint",
    "align.evaluation.safety",
    "align.evaluation.benchmarks.multiple_choice",
    "align.evaluation.benchmarks.open_answer",
    "align.evaluation.benchmarks.harness",
    "align.evaluation.academic",
    "align.export.export",
    "align.report.lima_table",
    "align.report.report",
)
"""Modules with parts, in the order of the journey. They import nothing heavy at their top."""


@cache
def load_catalogue() -> None:
    """Make every kind known: align's own, then those of packages with the entry-point group `align.parts`."""
    for module in MODULES:
        importlib.import_module(module)
    for entry in entry_points(group="align.parts"):
        try:
            entry.load()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise PartError(f"entry point {entry.name} ({entry.value}) of group align.parts: {said}") from error
