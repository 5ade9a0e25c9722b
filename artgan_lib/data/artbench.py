"""ArtBench-10: what it is, where it is published, and how to get it whole.

The transfer is left to `downloads` and to the Hugging Face Hub's own library, reading what came to `data.sources`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from artgan_lib.data.sources.open import open_source
from artgan_lib.data.sources.parquet import EXTRA, is_parquet
from artgan_lib.downloads import Progress, PublishedFile, evict, fetch, import_local
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


def _published(name: str) -> PublishedFile:
    return PublishedFile(name, (f"{_OFFICIAL}/{name}",), None)


MIRROR = "huggingface"
"""The form of the mirror on the Hugging Face Hub: the pictures of `imagefolder-split` in parquet files."""
_REPOSITORY, _MIRROR_FOLDER = "zguo0525/ArtBench", "artbench-10-huggingface"

FORMS = {
    "imagefolder-split": _published("artbench-10-imagefolder-split.tar"),
    "imagefolder": _published("artbench-10-imagefolder.tar"),
}
"""The forms that can be fetched: 256 x 256 with and without the split. No checksum is published for either; it is
recorded at the first fetch and held to afterwards."""


def fetch_artbench(
    form: str, folder: Path | str, *, from_local: Path | str | None = None, progress: Progress | None = None
) -> Path:
    """Fetch one form of ArtBench-10, or check and take a copy that lies on this machine, and count its pictures.

    Args:
        form: A name of `FORMS`, or `huggingface`. Where nothing gives `imagefolder-split`, the mirror is asked.
        folder: Where the archive goes.
        from_local: A copy got elsewhere; it is hard-linked where that is possible.
        progress: Told of the bytes as they come.

    Returns:
        The archive, or the folder of the mirror's files; `data.sources` opens it as it is.

    Raises:
        ArtganError: If the form is unknown, nothing gives the whole file, or it does not hold what it should.
    """
    if form not in (*FORMS, MIRROR):
        raise ArtganError(f"there is no form {form!r} of ArtBench-10; there are {', '.join((*FORMS, MIRROR))}")
    was_there = form != MIRROR and (Path(folder) / FORMS[form].name).exists()
    if from_local is not None and form != MIRROR:
        archive = import_local(FORMS[form], from_local, folder)
    elif form == MIRROR:
        archive = _fetch_mirror(folder)
    else:
        archive = _fetch_official(form, folder, progress)
    try:
        with open_source(archive) as source:
            counts = Counter((image.style, image.split) for image in source.images)
        check_counts(counts, archive, splits=tuple(PER_STYLE) if form != "imagefolder" else None)
    except ArtganError:
        if archive.is_file() and not was_there:  # what is wrong must not be held to at the next fetch
            evict(FORMS[form], folder)
        raise
    return archive


def _fetch_official(form: str, folder: Path | str, progress: Progress | None) -> Path:
    """Fetch from the authors' address; where that fails and the mirror has the same pictures, from there."""
    file = FORMS[form]
    hint = f"get {file.name} in a browser and pass it by --from-local, or try again: what came is kept"
    try:
        return fetch(file, folder, hint=hint, progress=progress)
    except ArtganError as failed:
        if form != "imagefolder-split":
            raise
        try:
            return _fetch_mirror(folder)
        except ArtganError as mirror_failed:
            raise ArtganError(f"{failed}; {mirror_failed}") from None


def _fetch_mirror(folder: Path | str) -> Path:
    """Bring the mirror's files into a folder of their own, or what is missing of them."""
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise ArtganError(f"the mirror {_REPOSITORY} is on the Hugging Face Hub; {EXTRA}") from None
    target = Path(folder) / _MIRROR_FOLDER
    try:
        huggingface_hub.snapshot_download(
            _REPOSITORY, repo_type="dataset", local_dir=target, allow_patterns=["*.parquet"]
        )
    except Exception as error:  # the library's own, its transport's and the system's errors have no common root
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no detail"
        raise ArtganError(f"the mirror {_REPOSITORY} gave nothing ({type(error).__name__}: {first})") from None
    if not is_parquet(target):
        raise ArtganError(f"the mirror {_REPOSITORY} holds no parquet files any more")
    return target


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
        raise ArtganError(f"{name} is not ArtBench-10 as published: {'; '.join(said)}; remove it and fetch it again")
