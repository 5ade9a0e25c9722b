"""ArtBench-10: what it is, where it is published, and how to get it whole.

The transfer is left to `downloads`, reading what came to `data.sources`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from artgan_lib.downloads import Progress, PublishedFile, adopt, fetch
from artgan_lib.errors import ArtganError

STYLES = (
    "art_nouveau",
    "baroque",
    "expressionism",
    "impressionism",
    "post_impressionism",
    "realism",
    "renaissance",
    "romanticism",
    "surrealism",
    "ukiyo_e",
)
"""The ten styles, in the data set's own order."""

PER_STYLE = {"train": 5000, "test": 1000}
ORIGINAL_SIZE_TOTAL = 66_000
"""Pictures in the original-size archives: more than the 60,000 of the other forms, which were chosen from them."""

_OFFICIAL = "https://artbench.eecs.berkeley.edu/files"
_MIRROR = "https://huggingface.co/datasets/zguo0525/ArtBench/resolve/main"


def _published(name: str, checksum: str | None = None) -> PublishedFile:
    return PublishedFile(name, (f"{_OFFICIAL}/{name}", f"{_MIRROR}/{name}"), checksum)


FORMS = {
    "imagefolder-split": _published("artbench-10-imagefolder-split.tar"),
    "imagefolder": _published("artbench-10-imagefolder.tar"),
    "python": _published("artbench-10-python.tar.gz", "md5:9df1e998ee026aae36ec60ca7b44960e"),
}
"""The forms that can be fetched: 256 x 256 with and without the split, and 32 x 32 in CIFAR's layout. A checksum is
published for the last; those of the others are recorded at the first fetch and held to afterwards."""


def fetch_artbench(
    form: str, folder: Path | str, *, from_local: Path | str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch one form of ArtBench-10, or check and take a copy that lies on this machine, and count its pictures.

    Args:
        form: A name of `FORMS`.
        folder: Where the archive goes.
        from_local: A copy got elsewhere; it is hard-linked where that is possible.
        progress: Told of the bytes as they come.

    Returns:
        The archive; `data.sources` opens it as it is.

    Raises:
        ArtganError: If the form is unknown, nothing gives the whole file, or it does not hold what it should.
    """
    if form not in FORMS:
        raise ArtganError(f"there is no form {form!r} of ArtBench-10; there are {', '.join(FORMS)}")
    file = FORMS[form]
    if from_local is not None:
        archive = adopt(file, from_local, folder)
    else:
        way_out = f"get {file.name} in a browser and pass it by --from-local, or try again: what came is kept"
        archive = fetch(file, folder, way_out=way_out, progress=progress)
    from artgan_lib.data.sources import open_source

    with open_source(archive) as source:
        counts = Counter((painting.style, painting.split) for painting in source.paintings)
    check_counts(counts, archive, splits=tuple(PER_STYLE) if form != "imagefolder" else None)
    return archive


def check_counts(
    counts: Mapping[tuple[str, str | None], int], name: Path | str, splits: Sequence[str] | None = tuple(PER_STYLE)
) -> None:
    """Check that a form of ArtBench-10 holds the pictures it should, style by style.

    Args:
        counts: Pictures by style and split.
        name: Of the archive, for the error.
        splits: The splits it should have; None if it has none.

    Raises:
        ArtganError: If a style has too few or too many, or it is the original-size set.
    """
    total = sum(counts.values())
    if total == ORIGINAL_SIZE_TOTAL:
        raise ArtganError(
            f"{name} holds {total:,} pictures: the original-size set, of which ArtBench-10's 60,000 were chosen; "
            f"take the 256 x 256 form for results that can be compared"
        )
    each = list(PER_STYLE.items()) if splits else [(None, sum(PER_STYLE.values()))]
    expected = {(style, split): n for style in STYLES for split, n in each}
    wrong = [
        f"{style}{f' ({split})' if split else ''} {counts.get((style, split), 0):,} instead of {n:,}"
        for (style, split), n in expected.items()
        if counts.get((style, split), 0) != n
    ]
    foreign = sorted({style for style, _ in counts} - set(STYLES))
    if wrong or foreign:
        said = [
            *wrong[:3],
            *([f"and {len(wrong) - 3} more"] if len(wrong) > 3 else []),
            *(f"no style {s}" for s in foreign[:3]),
        ]
        raise ArtganError(f"{name} is not ArtBench-10 as published: {'; '.join(said)}; fetch it again")
