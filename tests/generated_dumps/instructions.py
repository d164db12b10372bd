"""Super-NaturalInstructions: task files in the schema of release 2.8, of generation and of other kinds, one in another language."""

import json
from collections import Counter
from pathlib import Path

from generated_dumps.prose import Prose

WRITTEN = (
    "Summarization",
    "Paraphrasing",
    "Style Transfer",
    "Story Composition",
    "Title Generation",
    "Question Rewriting",
    "Dialogue Generation",
    "Poem Generation",
    "Text Completion",
    "Sentence Composition",
)
CHOSEN = ("Sentiment Analysis", "Text Categorization", "Answer Verification")
INSTANCES = 6


def write_tasks(folder: Path, tasks: int, seed: int) -> Counter[str]:
    """`tasks` generation tasks, a tenth as many of other kinds, and three in German."""
    prose = Prose(f"{seed}/tasks")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(category, "English") for category in (WRITTEN * tasks)[:tasks]]
    wanted += [(category, "English") for category in (CHOSEN * tasks)[: max(3, tasks // 10)]]
    wanted += [("Summarization", "German")] * 3
    for number, (category, language) in enumerate(wanted, 1):
        source = "_".join(prose.words(1))
        name = f"task{number:03d}_{source}_{category.lower().replace(' ', '_')}"
        task = {
            "Contributors": [prose.name()],
            "Source": [source],
            "URL": [f"https://example.org/{source}"],
            "Categories": [category],
            "Reasoning": [],
            "Definition": [f"You are given a text of the {source}. {prose.paragraph(3)}"],
            "Input_language": [language],
            "Output_language": [language],
            "Instruction_language": ["English"],
            "Domains": ["Invented"],
            "Positive Examples": [{"input": prose.sentence(), "output": prose.sentence(), "explanation": prose.sentence()}],
            "Negative Examples": [],
            "Instances": [
                {"id": f"{name}-{place:032x}", "input": prose.paragraph(7), "output": [prose.paragraph(3)]}
                for place in range(INSTANCES)
            ],
            "Instance License": ["CC BY 4.0"],
        }
        (folder / f"{name}.json").write_text(json.dumps(task, indent=4), encoding="utf-8")
    return Counter({"generation tasks": tasks, "other tasks": len(wanted) - tasks})
