"""Whether a file lies where SQLite's log may be trusted: its writers share memory, which machines across a network do not."""

import re
from pathlib import Path

from align.errors import AlignError

MOUNTS = Path("/proc/mounts")
NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "fuse.glusterfs",
     "fuse.sshfs", "fuse.ceph", "fuse.rclone", "fuse.s3fs")
)  # fmt: skip
"""File systems of other machines, as the kernel names them."""
OUTSIDE = "9p"
"""Leads out of a virtual machine; whether memory can be shared across it depends on the machine."""


def network_kind(path: Path, mounts: Path = MOUNTS) -> str:
    """The file system that `path` lies on, if it is another machine's; else, or where nobody can tell, nothing."""
    if not mounts.is_file():
        return ""
    place = path.absolute().resolve()
    best, found = -1, ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda sign: chr(int(sign[1], 8)), fields[1]))
        if len(point.parts) >= best and (place == point or point in place.parents):
            best, found = len(point.parts), fields[2]  # what was mounted last covers what lies below it
    return found if found in {*NETWORK, OUTSIDE} else ""


def why_unsafe(path: Path, mounts: Path = MOUNTS) -> str:
    """What is wrong with decisions in this SQLite file, with the remedy; empty where nothing is."""
    kind = network_kind(path, mounts)
    if not kind:
        return ""
    return (
        f"{path} lies on a network file system ({kind}), where SQLite's log can lose or damage decisions; keep them on a disk of "
        "this machine (--db sqlite:////var/lib/align/curation.db) or in PostgreSQL (--db postgresql+psycopg://...)"
    )


def refuse_network(path: Path, mounts: Path = MOUNTS) -> str:
    """Refuse to let people decide into such a file; a warning where it may be safe."""
    said = why_unsafe(path, mounts)
    if said and network_kind(path, mounts) != OUTSIDE:
        raise AlignError(said)
    return said
