import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artgan_lib import ArtganError, load_images, open_cache, prepare, synthetic_paintings
from artgan_lib.data.dataset import open_split
from artgan_lib.data.decoding import square_thumbnail


def save(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two styles, five good pictures of several shapes and modes, four bad files."""
    root = tmp_path / "paintings"
    images, _ = synthetic_paintings(5, size=96, seed=2)
    save(root / "train/baroque/a.png", Image.fromarray(images[0]))
    save(root / "train/baroque/b.jpg", Image.fromarray(images[1][:70]))
    save(root / "test/baroque/c.png", Image.fromarray(images[2][:, :80]).convert("L"))
    save(root / "train/ukiyo_e/d.png", Image.fromarray(images[3]).convert("P"))
    save(root / "train/ukiyo_e/e.tif", Image.fromarray(images[4]).convert("CMYK"))
    whole = (root / "train/baroque/a.png").read_bytes()
    (root / "train/baroque/torn.png").write_bytes(whole[: len(whole) // 2])
    (root / "train/baroque/empty.jpg").touch()
    (root / "train/ukiyo_e/notes.txt").write_text("bought in 1888")
    (root / "train/ukiyo_e/lies.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a jpeg")
    return root


@pytest.mark.parametrize("wide", [True, False])
def test_the_surplus_is_cut_on_both_sides_of_the_longer_axis(wide: bool) -> None:
    ramp = np.tile(np.arange(10, dtype=np.uint8)[None, :, None], (4, 1, 3))
    square = square_thumbnail(Image.fromarray(ramp if wide else ramp.swapaxes(0, 1)), size=4)[:, :, 0]
    assert (square if wide else square.T).tolist() == [[3, 4, 5, 6]] * 4


def test_bicubic_is_pillows_to_the_last_bit() -> None:
    image = synthetic_paintings(1, size=200, seed=4)[0][0]
    quantised = Image.fromarray((image // 16) * 16)  # free of another libm's last bit
    expected = np.asarray(quantised.resize((64, 64), Image.Resampling.BICUBIC))
    result = square_thumbnail(quantised)
    assert np.array_equal(result, expected)
    ramp = Image.fromarray((np.indices((150, 200)).sum(0)[..., None] * [1, 2, 3] % 256).astype(np.uint8))
    assert hashlib.sha256(square_thumbnail(ramp).tobytes()).hexdigest().startswith("fd57f95fd91fe7d3")


def test_a_picture_of_the_right_size_keeps_its_pixels() -> None:
    image = synthetic_paintings(1, size=64)[0][0]
    assert np.array_equal(square_thumbnail(Image.fromarray(image)), image)


def test_orientation_is_applied_and_transparency_lies_over_white(tmp_path: Path) -> None:
    upright = np.zeros((8, 8, 3), np.uint8)
    upright[0] = 255  # a white line at the top
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated by 90 degrees clockwise
    path = save(tmp_path / "turned.png", Image.fromarray(upright), exif=exif)
    with Image.open(path) as image:
        assert (square_thumbnail(image, 8)[:, -1] == 255).all()
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert (square_thumbnail(clear, 8) == 255).all()


def test_a_cache_of_a_folder_with_bad_files(folder: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    cache = prepare(folder, tmp_path / "cache", progress=lambda done, total: heard.append((done, total)))
    assert cache.images.shape == (5, 64, 64, 3)
    assert isinstance(cache.images, np.memmap)
    assert cache.styles == ("baroque", "ukiyo_e")
    assert cache.labels.tolist() == [0, 0, 0, 1, 1]
    assert cache.manifest["styles"] == {"baroque": 3, "ukiyo_e": 2}
    assert cache.manifest["splits"] == {"test": 1, "train": 4}
    reasons = {entry["name"]: entry["reason"] for entry in cache.manifest["quarantined"]}
    assert reasons["train/baroque/empty.jpg"] == "the file is empty"
    assert reasons["train/ukiyo_e/notes.txt"] == "not a picture that Pillow can read"
    assert set(reasons) - {"train/baroque/empty.jpg", "train/ukiyo_e/notes.txt"} == {
        "train/baroque/torn.png",
        "train/ukiyo_e/lies.jpg",
    }
    assert heard[-1] == (9, 9)
    with Image.open(folder / "train/baroque/b.jpg") as image:
        assert np.array_equal(cache.images[2], square_thumbnail(image))  # test/baroque/c comes first


def test_one_split_and_another_size(folder: Path, tmp_path: Path) -> None:
    cache = prepare(folder, tmp_path / "cache", split="test", size=16)
    assert cache.images.shape == (1, 16, 16, 3)
    with pytest.raises(ArtganError, match="no picture of the split 'val' is there; splits found: test, train"):
        prepare(folder, tmp_path / "other", split="val")
    assert names_beside(tmp_path / "other") == set()


def test_an_existing_folder_is_not_touched_unless_it_is_a_cache_and_may_be(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache", split="test")
    with pytest.raises(ArtganError, match="exists already; --overwrite replaces it"):
        prepare(folder, tmp_path / "cache")
    assert len(prepare(folder, tmp_path / "cache", overwrite=True).images) == 5
    with pytest.raises(ArtganError, match="must not lie in each other"):
        prepare(folder, folder, overwrite=True)


def test_a_source_without_a_readable_picture_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "notes.txt").write_text("no picture")
    with pytest.raises(ArtganError, match=r"has no picture that can be read; notes\.txt: not a picture"):
        prepare(tmp_path / "bad", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert names_beside(tmp_path / "cache") == set()


def test_decompression_bombs_are_quarantined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    for name, side in (("good", 64), ("bomb", 80), ("greater", 150)):
        save(tmp_path / "paintings" / f"{name}.png", Image.new("RGB", (side, side)))
    cache = prepare(tmp_path / "paintings", tmp_path / "cache")
    assert len(cache.images) == 1
    assert all("decompression bomb" in entry["reason"] for entry in cache.manifest["quarantined"])


@pytest.mark.parametrize("damage", ["truncated", "edited", "other labels"])
def test_a_damaged_cache_is_told(damage: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cache"
    prepare(folder, path)
    if damage == "truncated":
        (path / "images.npy").write_bytes((path / "images.npy").read_bytes()[:-100])
    elif damage == "edited":
        manifest = json.loads((path / "manifest.json").read_text()) | {"count": 7}
        (path / "manifest.json").write_text(json.dumps(manifest))
    else:
        np.save(path / "labels.npy", np.zeros(3, np.int16))
    with pytest.raises(ArtganError, match=r"is damaged: .*; prepare it again"):
        open_cache(path)


def test_pictures_come_from_whatever_the_reader_has(folder: Path, tmp_path: Path) -> None:
    assert len(load_images("synthetic", count=12).images) == 12
    assert len(load_images(folder, cache=tmp_path / "cache").images) == 5
    assert len(load_images(tmp_path / "cache").images) == 5
    with pytest.raises(ArtganError, match=r"is not a cache of pictures; `artgan prepare"):
        load_images(folder)


def test_real_paintings(shared_paintings: Path, tmp_path: Path) -> None:
    cache = prepare(shared_paintings, tmp_path / "cache", split="test")
    assert len(cache.images) == 263
    assert cache.manifest["quarantined"] == []
    assert 90 < cache.images.mean() < 150


def files_of(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_the_cache_does_not_depend_on_workers(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "one", workers=1)
    prepare(folder, tmp_path / "many", workers=7)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "many")


def names_beside(cache: Path) -> set[str]:
    """Names that have to do with a cache, but for the cache itself and its lock."""
    named = {path.name for path in cache.parent.iterdir() if cache.name in path.name}
    return named - {cache.name, f".{cache.name}.lock", "no-cache"}


def killed_at(done: int, source: Path, out: Path) -> None:
    """Prepare in a process that gets SIGKILL after so many files."""
    code = (
        "import os, signal, sys\n"
        "from artgan_lib import prepare\n"
        f"kill = lambda done, total: done < {done} or os.kill(os.getpid(), signal.SIGKILL)\n"
        "prepare(sys.argv[1], sys.argv[2], overwrite=True, progress=kill)"
    )
    killed = subprocess.run([sys.executable, "-c", code, source, out], check=False)
    assert killed.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_killed_run_leaves_the_former_cache_and_does_not_stand_in_the_way(folder: Path, tmp_path: Path) -> None:
    killed_at(5, folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert len(prepare(folder, tmp_path / "new").images) == 5
    former = files_of(tmp_path / "new")
    killed_at(5, folder, tmp_path / "new")
    assert files_of(tmp_path / "new") == former
    assert len(prepare(folder, tmp_path / "new", split="test", overwrite=True).images) == 1
    assert names_beside(tmp_path / "new") == set()


def test_a_kill_between_the_two_renames_loses_nothing(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache")
    (tmp_path / "cache").rename(tmp_path / ".cache.former")
    with pytest.raises(ArtganError, match="exists already; --overwrite replaces it"):
        prepare(folder, tmp_path / "cache")
    assert len(open_cache(tmp_path / "cache").images) == 5


def test_two_runs_into_one_folder_do_not_meet(folder: Path, tmp_path: Path) -> None:
    """The second one is told; the first one ends as if it had been alone."""
    told = []

    def second(done: int, total: int) -> None:
        command = ["prepare", str(folder), "--out", str(tmp_path / "cache"), "--split", "test", "--overwrite"]
        code = f"import sys; from artgan_lib.interface.cli import main; sys.exit(main({command!r}))"
        if done == 3:
            told.append(subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True))

    prepare(folder, tmp_path / "cache", progress=second)
    assert told[0].returncode == 2
    assert "another process prepares" in told[0].stderr
    assert len(open_cache(tmp_path / "cache", verify=True).images) == 5


def test_a_full_disk_says_so_and_loses_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(ArtganError, match=r"the disk of .* is full; make room and run the same command again"):
        prepare(folder, tmp_path / "cache")
    monkeypatch.undo()
    assert names_beside(tmp_path / "cache") == set()
    assert len(prepare(folder, tmp_path / "cache").images) == 5


def test_too_little_disk_is_told_before_anything_is_decoded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10})())
    with pytest.raises(ArtganError, match=r"has 0\.0 MB left, 0\.1 MB are wanted; make room"):
        prepare(folder, tmp_path / "cache")
    assert names_beside(tmp_path / "cache") == set()


def test_the_manifest_names_every_file_by_its_hash(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache")
    entries = [json.loads(line) for line in (tmp_path / "cache" / "files.jsonl").read_text().splitlines()]
    assert [entry["name"] for entry in entries][:2] == ["test/baroque/c.png", "train/baroque/a.png"]
    content = (folder / "test/baroque/c.png").read_bytes()
    assert entries[0]["sha256"] == hashlib.sha256(content).hexdigest()


def test_one_edited_pixel_is_noticed(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache")
    images = np.load(tmp_path / "cache" / "images.npy", mmap_mode="r+")
    images[2, 5, 5, 0] ^= 1
    images.flush()
    with pytest.raises(ArtganError, match=r"images\.npy has been changed since it was made"):
        open_cache(tmp_path / "cache")


def test_the_folder_that_one_stands_in_can_be_the_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    prepare(folder, ".")
    assert len(open_cache(tmp_path / "here").images) == 5


def test_styles_and_limit(folder: Path, tmp_path: Path) -> None:
    assert prepare(folder, tmp_path / "styles", styles=["ukiyo_e"]).styles == ("ukiyo_e",)
    assert len(prepare(folder, tmp_path / "limit", limit=3).images) <= 3


def test_overwriting_never_takes_what_is_not_a_cache(folder: Path, tmp_path: Path) -> None:
    for out in (tmp_path, folder / "train", folder):  # around the paintings, among them, in their place
        with pytest.raises(ArtganError, match="must not lie in each other"):
            prepare(folder, out, overwrite=True)
    prepare(folder, tmp_path / "cache")
    (tmp_path / "cache" / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtganError, match="holds more than a cache; choose another folder"):
        prepare(folder, tmp_path / "cache", overwrite=True)
    assert (tmp_path / "cache" / "thesis.txt").exists()


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db"])
def test_what_a_file_manager_leaves_does_not_hinder_overwriting(name: str, folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache", split="test")
    (tmp_path / "cache" / name).write_bytes(b"icons")
    assert len(prepare(folder, tmp_path / "cache", overwrite=True).images) == 5
    assert names_beside(tmp_path / "cache") == set()


@pytest.mark.parametrize("name", [".cache.partial", ".cache.former"])
def test_a_persons_file_in_a_folder_of_our_temporary_name_stays(name: str, folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache")
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("years of work")
    with pytest.raises(OSError, match=name):
        prepare(folder, tmp_path / "cache", split="test", overwrite=True)
    assert (tmp_path / name / "thesis.txt").exists()
    assert len(open_cache(tmp_path / "cache").images) == 5


def test_a_cache_can_be_prepared_again_and_keeps_styles_and_splits(folder: Path, tmp_path: Path) -> None:
    first = prepare(folder, tmp_path / "cache")
    again = prepare(tmp_path / "cache", tmp_path / "again", styles=["baroque"])
    assert np.array_equal(again.images, first.images[:3])
    assert again.manifest["splits"] == {"test": 1, "train": 2}
    test, rest = open_split(tmp_path / "again", "test")
    assert np.array_equal(test.images, first.images[:1])
    assert rest is not None
    assert np.array_equal(rest.images, first.images[1:3])
    train = prepare(tmp_path / "cache", tmp_path / "train", split="train")
    assert np.array_equal(train.images, first.images[1:])
    assert train.labels.tolist() == [0, 0, 1, 1]
    assert train.styles == ("baroque", "ukiyo_e")


def test_splits_of_a_cache_are_opened_without_a_copy(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache")
    test, train = open_split(tmp_path / "cache", "test")
    assert isinstance(test.images, np.memmap)
    assert isinstance(train.images, np.memmap)
    assert (len(test.images), train.labels.tolist()) == (1, [0, 0, 1, 1])


def test_splits_below_the_styles_are_found(tmp_path: Path) -> None:
    """As style/split/file there is no split for a style; images of two splits that alternate are copied."""
    for number, image in enumerate(synthetic_paintings(6, size=40)[0]):
        place = f"{'abc'[number // 2]}/{('test', 'train')[number % 2]}"
        save(tmp_path / "paintings" / place / "style" / "x.png", Image.fromarray(image))
    cache = prepare(tmp_path / "paintings", tmp_path / "cache")
    test, train = open_split(tmp_path / "cache", "test")
    assert np.array_equal(test.images, cache.images[::2])
    assert np.array_equal(train.images, cache.images[1::2])


def test_a_cache_whose_list_of_files_is_damaged_is_told(folder: Path, tmp_path: Path) -> None:
    prepare(folder, tmp_path / "cache")
    for content in ("", "no json\n" * 5, '{"sha256": ""}\n' * 5):
        (tmp_path / "cache" / "files.jsonl").write_text(content)
        with pytest.raises(ArtganError, match=r"is damaged: files\.jsonl does not name its pictures"):
            open_split(tmp_path / "cache", "test")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no names that are not unicode")
def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    source = tmp_path / "paintings"
    path = save(source / "style" / "good.png", Image.new("RGB", (20, 20)))
    os.rename(os.fsencode(path), os.fsencode(path.parent) + b"/b\xff.png")  # noqa: PTH104
    (source / "style" / "ünï.txt").write_text("no picture")
    cache = prepare(source, tmp_path / "cache")
    assert len(cache.images) == 1
    assert "b\\xff.png" in (tmp_path / "cache" / "files.jsonl").read_text().replace("\\\\", "\\")


def test_a_file_that_may_not_be_read_is_quarantined(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    cache = prepare(folder, tmp_path / "cache")
    assert {"name": "train/baroque/a.png", "reason": "cannot be read: Permission denied"} in cache.manifest[
        "quarantined"
    ]


@pytest.mark.parametrize("bad", [0, 1])
def test_the_cache_does_not_depend_on_the_order_in_an_archive(bad: int, tmp_path: Path) -> None:
    """A gzipped tar is read in its own order, so rows are not written one after the other."""
    files = {}
    for number, image in enumerate(synthetic_paintings(150, size=40)[0]):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "png")
        files[f"train/style/{number:03d}.png"] = buffer.getvalue()[: 60 if number < bad else None]
    caches = []
    for order, mode in ((sorted(files), "w"), (sorted(files, key=lambda name: name[::-1]), "w:gz")):
        place = tmp_path / mode[1:]
        place.mkdir(exist_ok=True)
        with tarfile.open(place / "paintings.tar", mode) as archive:
            for name in order:
                member = tarfile.TarInfo(name)
                member.size = len(files[name])
                archive.addfile(member, io.BytesIO(files[name]))
        cache = prepare(place / "paintings.tar", place / "cache")
        assert len(open_cache(place / "cache", verify=True).images) == 150 - bad
        assert len(cache.manifest["quarantined"]) == bad
        caches.append(files_of(place / "cache"))
    assert caches[0] == caches[1]
