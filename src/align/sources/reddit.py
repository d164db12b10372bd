"""Reddit out of Pushshift's dumps: questions of r/AskReddit, prompts of r/WritingPrompts with their best story (LIMA §2.1)."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from align.errors import InputError
from align.files import visible_files
from align.parts import RawFile
from align.progress import track
from align.records import Example, Origin, Rejection, Turn
from align.sources.ingest import Shard, Source
from align.sources.reddit_blocks import Found, Rows, read_posts, read_rows
from align.sources.reddit_columns import URL, author_of, rows_of_titles
from align.sources.reddit_files import take_posts
from align.sources.reddit_rows import Post
from align.sources.reddit_titles import Choice
from align.sources.stories import Seen, Stories, Story

if TYPE_CHECKING:
    import pyarrow as pa

B = TypeVar("B", Rows, Found)

FORMS: dict[str, Literal["titles", "stories"]] = {"askreddit": "titles", "writingprompts": "stories"}
SUBMISSIONS = re.compile(r"(?:^|/)RS_|_submissions\.", re.IGNORECASE)
COMMENTS = re.compile(r"(?:^|/)RC_|_comments\.", re.IGNORECASE)
ENDINGS = (".zst", ".ndjson", ".jsonl", ".gz", ".xz", ".bz2")
BOTS = ("AutoModerator", "WritingPromptsRobot", "WritingPromptsBot", "RemindMeBot", "sneakpeekbot", "reddit", "autotldr")


class Reddit(Source):
    """Reads monthly dumps (RS_2019-05.zst, RC_2019-05.zst) and those of one subreddit, also as plain NDJSON.

    A submission that is deleted, removed, stickied, for adults only or by a bot is counted and passed over, a comment too.
    """

    kind: Literal["reddit"] = "reddit"
    subreddit: str = Field(pattern=r"^\w+$")
    """Which subreddit to read, e.g. `AskReddit`, `WritingPrompts`; upper and lower case are one, and `r/` may stand before it."""
    submissions: tuple[RawFile, ...] = Field(min_length=1)
    """Files of submissions (RS_2019-05.zst, WritingPrompts_submissions.zst), or folders: of those what its name calls so."""
    comments: tuple[RawFile, ...] = ()
    """Files of comments (RC_2019-05.zst, WritingPrompts_comments.zst), or folders; only stories need them."""
    form: Literal["titles", "stories"] | None = None
    """`titles`: titles that have no text below them, as prompts alone (LIMA's test set). `stories`: titles as prompts, each with
    the comment of the highest score as response. What LIMA takes of AskReddit and of WritingPrompts is the default there."""
    post_tags: tuple[str, ...] = ("", "WP", "SP", "EU", "CW", "TT", "RF", "FF")
    """For stories: the tags in brackets whose posts are taken, `""` for those without one. Left out are image and media prompts,
    stories by the prompt's author ([PI]), announcements ([OT]), ..."""
    min_score: int | None = None
    """Leave out submissions below it: saves disk and time, but they will have no line in the rejections."""
    bots: tuple[str, ...] = BOTS
    """Authors that are no persons."""
    accept_truncated: bool = False
    """Take what there is of a file that is cut off; by default that is an error."""

    version: ClassVar[int] = 2  # 2: the title in `origin`
    terms: ClassVar[str] = (
        "Reddit: posts belong to those who wrote them, and no licence lets others pass them on; Reddit's terms want an agreement "
        "for training and for commercial use. Rows of it are published as ids; fill them from dumps that you may use."
    )
    how_to_get: ClassVar[str] = (
        "Dumps by subreddit and by month: academictorrents.com (search for pushshift or arctic shift reddit); "
        "newer ones: github.com/ArthurHeitmann/arctic_shift."
    )

    @field_validator("subreddit", mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        name = value.removeprefix("/").removeprefix("r/")
        if not re.fullmatch(r"\w+", name):
            raise ValueError("write the name of one subreddit, letters, digits and _, such as AskReddit")
        return name

    @model_validator(mode="after")
    def _check_form(self) -> "Reddit":
        taken = self.form or FORMS.get(self.subreddit.lower())
        if taken is None:
            raise ValueError(f"form: write titles or stories; only of {', '.join(FORMS)} is it known what to take")
        if (taken == "stories") != bool(self.comments):
            says = "are needed for stories" if taken == "stories" else "are not read for titles; leave them out"
            raise ValueError(f"comments {says}")
        return self

    def raw_files(self) -> dict[str, Path]:
        """The files by number and name: an example's origin tells the name of its file."""
        named = {"submissions": self.submissions, "comments": self.comments}
        return {f"{name}.{number}.{path.name}": path for name, paths in named.items() for number, path in enumerate(paths)}

    def shards(self) -> list[Shard]:
        files = _files(self.submissions, SUBMISSIONS, "submissions")
        if self._form == "stories":
            # One shard: the comments on a submission may stand in a file of a later month.
            _files(self.comments, COMMENTS, "comments")
            return [Shard(self.subreddit, files[0])]
        # One group: a month's file and a subreddit's hold the same submissions; what was retrieved later knows the score better.
        return [Shard(f"{number:03d}-{path.name.split('.')[0]}", path, self.subreddit) for number, path in enumerate(files)]

    def read(self, shard: Shard, skipped: Counter[str]) -> "Iterator[Example | Rejection | pa.RecordBatch]":
        with TemporaryDirectory() if shard.scratch is None else nullcontext(shard.scratch) as folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            if self._form == "titles":
                with Seen(Path(folder) / "seen.db") as seen:
                    choice = Choice(self._why_no_title, ("[deleted]", *self.bots), self.min_score, seen, skipped)
                    rows = read_rows(shard.path, self.subreddit, False, self.accept_truncated)
                    for titles in choice.titles(_shown(rows, shard.path)):
                        yield rows_of_titles(titles, self.subreddit, shard.path.name)
                return
            with Stories(Path(folder) / "stories.db") as stories:
                self._gather(stories, shard.kept or Path(folder) / "kept", skipped)
                for story in stories.best(skipped):
                    yield self._story(story)

    @property
    def _form(self) -> Literal["titles", "stories"]:
        return self.form or FORMS[self.subreddit.lower()]

    def _why_no_title(self, post: Post) -> str:
        reason = self._reason_to_skip(post, False)
        return f"{reason} submission" if reason else "submission with a text" if post.body else ""

    def _gather(self, stories: Stories, kept: Path, skipped: Counter[str]) -> None:
        """Submissions first, then the comments on those; all on disk, so that memory does not grow with the dump."""
        submissions = _files(self.submissions, SUBMISSIONS, "submissions")
        comments = _files(self.comments, COMMENTS, "comments")
        jobs = {path: partial(self.posts, path) for path in submissions}
        jobs |= {path: partial(self.posts, path, comments=True) for path in comments}
        taken = take_posts(jobs, kept)
        for path in submissions:
            for post in taken[path].read(skipped):
                tag, prompt = split_tag(post.text)
                if tag not in self.post_tags or not prompt:
                    skipped["another kind of submission" if prompt else "submission without a title"] += 1
                else:
                    stories.add_prompt(post, prompt, tag, path.name, skipped)
        for path in comments:
            for post in taken[path].read(skipped):
                stories.add_story(post, path.name, skipped)

    def posts(self, path: Path, skipped: Counter[str], comments: bool = False) -> Iterator[Post]:
        """The posts of one file that nothing speaks against."""
        for posts in self._many_posts(path, skipped, comments):
            yield from posts

    def _many_posts(self, path: Path, skipped: Counter[str], comments: bool = False) -> Iterator[list[Post]]:
        word = "comment" if comments else "submission"
        blocks = read_posts(path, self.subreddit, comments, self.accept_truncated)
        for found in _shown(blocks, path):
            skipped.update(found.passed)
            taken = []
            for post in found.posts:
                if reason := self._reason_to_skip(post, comments):
                    skipped[f"{reason} {word}"] += 1
                elif post.is_top:
                    taken.append(post)
                else:
                    skipped["reply to a comment"] += 1
            yield taken

    def _reason_to_skip(self, post: Post, is_comment: bool) -> str:
        if post.is_removed or not post.text:
            return "removed"
        if post.author == "[deleted]":
            return "deleted author's"
        if post.author in self.bots:
            return "bot's"
        if post.is_stickied:
            return "stickied"
        if post.is_over_18:
            return "adults only"
        return "low score" if not is_comment and self.min_score is not None and post.score < self.min_score else ""

    def _story(self, story: Story) -> Example:
        authors = (author_of(story.asker, "prompt"), author_of(story.writer, "story"))
        url = f"{URL}{story.link.rstrip('/')}/{story.story_id}/"
        origin = Origin(
            "reddit",
            f"{story.id}/{story.story_id}",
            url,
            story.dump,
            story.created,
            story.retrieved or story.created,
            authors,
            story.prompt,
        )
        signals = {
            "question_score": float(story.prompt_score),
            "answer_score": float(story.score),
            "cleaned_chars": float(len(story.text)),
            "answers": float(story.stories),
            "comments": float(story.comments),
        }
        turns = (Turn("user", story.prompt), Turn("assistant", story.text))
        return Example(f"reddit/{self.subreddit}/{story.id}", turns, origin, (story.tag,) if story.tag else (), signals)


def _shown(blocks: Iterable[B], path: Path) -> Iterator[B]:
    """Show how far a file is read."""
    return track(blocks, f"reading {path.name}", unit="rows", reached=lambda block: block.line)


_TAG = re.compile(r"[\[({]\s*([A-Za-z]{2,3})\s*[\])}]\s*[:\-–]?\s*")


def split_tag(title: str) -> tuple[str, str]:
    """The tag of a title in upper case, empty where it has none, and the title without it: `[WP] A door` is `WP` and `A door`.

    The tag may stand behind; other words in brackets stay what they are.
    """
    found = _TAG.match(title)
    if found:
        return found[1].upper(), title[found.end() :].strip()
    *_, last = [None, *_TAG.finditer(title)]
    if last is not None and last.end() == len(title) and last[1].isupper():
        return last[1], title[: last.start()].strip()
    return "", title.strip()


def _files(paths: tuple[Path, ...], wanted: re.Pattern[str], what: str) -> list[Path]:
    """The files at `paths`, each once; in a folder those whose name says that they hold `what`."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no file or folder there. {Reddit.how_to_get}")
        found = [file for file in visible_files(path) if wanted.search(file.name)] if path.is_dir() else [path]
        found = [file for file in found if file.suffix.lower() in ENDINGS] or ([] if path.is_dir() else found)
        if not found:
            raise InputError(f"{path}: holds no {what}: wanted names such as RS_2019-05.zst or NAME_{what}.zst.")
        files += found
    return sorted(dict.fromkeys(files), key=lambda file: (file.name, str(file)))
