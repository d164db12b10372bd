"""Where the dumps of Stack Exchange lie: archives, unpacked folders, or folders of both."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from align.errors import InputError
from align.sources.ingest import Shard
from align.sources.sites import host_of, site_of, table_of

HOW_TO_GET = (
    "Dumps: stackexchange.com, on the profile page of an account under Settings, Data dump access, one .7z an exchange; "
    "older ones: archive.org/details/stackexchange."
)


@dataclass(frozen=True, slots=True)
class Dump(Shard):
    """One dump of one exchange; `path` is its archive or its Posts.xml, `group` its exchange."""

    host: str = ""
    users: Path | None = None
    """Its Users.xml, or the archive that holds it; None where there is none."""
    comments: Path | None = None
    """Its Comments.xml, or the archive that holds it; None where there is none, or nobody asks for it."""
    order: int = 0
    """0 for the first dump of the exchange in the recipe, 1 for the next."""

    @property
    def is_archive(self) -> bool:
        return self.path.suffix.lower() == ".7z"

    @property
    def title(self) -> str:
        """Name of the dump in records: it says the exchange and never where the file lies."""
        return f"{self.host}.7z" if self.is_archive else f"{self.host}/Posts.xml"

    def files(self) -> dict[str, Path]:
        """The files that are read, by their role."""
        files = {"archive" if self.is_archive else "posts": self.path}
        others = {"users": self.users, "comments": self.comments}
        return files | {role: path for role, path in others.items() if path is not None and path != self.path}


def missing_dumps(paths: tuple[Path, ...]) -> list[Path]:
    """The paths at which nothing lies, and what a folder without a dump would have to hold."""
    return [
        path / "Posts.xml" if path.exists() else path
        for path in paths
        if not path.exists() or (path.is_dir() and not list(_below(path)))
    ]


def find_dumps(paths: tuple[Path, ...], site: str | None, with_comments: bool = False) -> list[Dump]:
    """All dumps at or below `paths`, by exchange, those of one exchange in the order given; one reached twice counts once."""
    found: list[tuple[str, Path, Path | None]] = []
    for path in paths:
        below = list(_below(path)) if path.exists() else []
        if not below:
            raise InputError(f"{path}: no dump there: wanted a .7z archive, a Posts.xml, or a folder with some. {HOW_TO_GET}")
        if site is not None and len(below) > 1:
            raise InputError(
                f"{path}: holds {len(below)} dumps, but site: {site!r} names one exchange; leave site out, or name one dump."
            )
        found += [(_host(name, posts, site), posts, users) for name, posts, users in below]
    seen: Counter[str] = Counter()
    reached: set[Path] = set()
    dumps = []
    for host, posts, users in found:
        if posts.resolve() in reached:  # by its own name, say, and in its folder
            continue
        reached.add(posts.resolve())
        name = site_of(host)
        comments = _comments_of(posts) if with_comments else None
        dumps.append(Dump(f"{name}-{seen[name]}", posts, group=name, host=host, users=users, comments=comments, order=seen[name]))
        seen[name] += 1
    return sorted(dumps, key=lambda dump: (dump.group, dump.order))


def _below(path: Path) -> Iterator[tuple[str, Path, Path | None]]:
    """Name, posts and users of every dump at or below `path`."""
    if not path.is_dir():
        yield _file(path)
        return
    inside = {file.name.lower(): file for file in sorted(path.iterdir(), reverse=True)}
    if "posts.xml" in inside:
        yield path.absolute().name, inside["posts.xml"], inside.get("users.xml")
        return
    for file in sorted(inside.values()):
        if file.is_dir() and not file.name.startswith("."):
            yield from _below(file)
        elif file.suffix.lower() == ".7z" and table_of(file.name) in ("", "posts"):
            yield _file(file)


def _file(path: Path) -> tuple[str, Path, Path | None]:
    beside = {file.name.lower(): file for file in path.absolute().parent.iterdir()}
    if path.suffix.lower() == ".7z":
        # stackoverflow.com comes as one archive a table: stackoverflow.com-Posts.7z, stackoverflow.com-Users.7z, ...
        users = beside.get(path.name.lower().replace("-posts.7z", "-users.7z")) if table_of(path.name) else path
        return path.name, path, users
    if path.name.lower() != "posts.xml":
        raise InputError(f"{path}: not a dump: wanted a .7z archive, a Posts.xml, or a folder that holds one.")
    return path.absolute().parent.name, path, beside.get("users.xml")


def _comments_of(posts: Path) -> Path | None:
    """Where the comments on some posts lie: in the same archive, in one beside it, or in a table beside theirs."""
    beside = {file.name.lower(): file for file in posts.absolute().parent.iterdir()}
    if posts.suffix.lower() == ".7z":
        return beside.get(posts.name.lower().replace("-posts.7z", "-comments.7z")) if table_of(posts.name) else posts
    return beside.get("comments.xml")


def _host(name: str, path: Path, site: str | None) -> str:
    host = host_of(site if site is not None else name)
    if host is None:
        named = f"site: {site!r}" if site is not None else f"the name {name!r}"
        raise InputError(
            f"{path}: {named} does not say which exchange the dump is of; "
            f"name the archive or folder after it (cooking.stackexchange.com.7z), or write site: cooking into the source."
        )
    return host
