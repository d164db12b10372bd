"""wikiHow: wikihowSep.csv (a step a row), wikihowAll.csv (an article a row), and the file of categories that neither has."""

import csv
from collections import Counter
from pathlib import Path

from generated_dumps.prose import Prose

CATEGORIES = (
    "Arts and Entertainment",
    "Cars & Other Vehicles",
    "Computers and Electronics",
    "Education and Communications",
    "Family Life",
    "Finance and Business",
    "Food and Entertaining",
    "Health",
    "Hobbies and Crafts",
    "Holidays and Traditions",
    "Home and Garden",
    "Personal Care and Style",
    "Pets and Animals",
    "Philosophy and Religion",
    "Relationships",
    "Sports and Fitness",
    "Travel",
    "Work World",
    "Youth",
)


def write_articles(folder: Path, articles: int, seed: int) -> Counter[str]:
    """Write the three files; one article in twelve has no category, every other introduction begins "This article"."""
    prose = Prose(f"{seed}/wikihow")
    planted: Counter[str] = Counter()
    folder.mkdir(parents=True, exist_ok=True)
    names = ("wikihowSep.csv", "wikihowAll.csv", "categories.csv")
    files = [(folder / name).open("w", encoding="utf-8", newline="") for name in names]
    steps, whole, categories = (csv.writer(file, lineterminator="\n") for file in files)
    steps.writerow(("overview", "headline", "text", "sectionLabel", "title"))
    whole.writerow(("headline", "title", "text"))
    categories.writerow(("title", "category"))
    titles = list(dict.fromkeys(f"How to {prose.goal()}" for _ in range(articles)))
    for number, title in enumerate(titles):
        leads = "This article teaches" if number % 2 else "You can learn"
        overview = f"{leads} what the {' '.join(prose.words(2))} of {prose.words(1)[0]} can do. {prose.paragraph(2)}"
        sections = [(label, _steps(prose)) for label in ("Preparing", "Doing the Work", "Tips")]
        for label, found in sections:
            steps.writerows((overview, f"\n{bold}", text, label, title) for bold, text in found)
        bolds, texts = zip(*(step for label, found in sections if label != "Tips" for step in found), strict=True)
        whole.writerow(("\n" + ",\n".join(bolds), f"{title}2", "\n\n, ".join(texts) + "\n\n"))
        if number % 12 == 11:
            planted["without category"] += 1
        else:
            categories.writerow((title, CATEGORIES[number % len(CATEGORIES)]))
        planted["articles"] += 1
        planted["this article"] += number % 2
    for file in files:
        file.close()
    return planted


def _steps(prose: Prose) -> list[tuple[str, str]]:
    return [(f"{prose.goal().capitalize()}.", prose.paragraph(prose.draw.randint(3, 6))) for _ in range(prose.draw.randint(3, 6))]
