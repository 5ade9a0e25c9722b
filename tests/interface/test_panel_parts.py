"""The parts of the panel: its texts, the list of models, its colours, its page, and the same object without widgets."""

import json
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from artgan_lib import ArtganError, build_models, export_generator, preset
from artgan_lib.interface import cli, panel_page
from artgan_lib.interface.panel import Panel
from artgan_lib.interface.panel_layout import STYLES
from artgan_lib.interface.panel_models import offered_models
from artgan_lib.interface.panel_page import CLASSROOM, Page, serve, show_to_visitor
from artgan_lib.interface.panel_texts import LANGUAGES, TEXTS, RefusalError, Texts

INTERFACE = Path(cli.__file__).parent


@pytest.mark.parametrize("key", TEXTS["en"])
def test_every_text_is_there_in_every_language_with_the_same_gaps(key: str) -> None:
    texts = [TEXTS[language][key] for language in LANGUAGES]
    gaps = [{gap for _, gap, _, _ in string.Formatter().parse(text) if gap} for text in texts]
    assert all(gap == gaps[0] for gap in gaps)
    assert all(text == text.strip(" ") and text for text in texts)
    if key.startswith("error_"):
        assert all(text.endswith(".") for text in texts)


def test_no_language_has_a_text_of_its_own() -> None:
    assert all(set(TEXTS[language]) == set(TEXTS["en"]) for language in LANGUAGES)


def test_every_text_is_used_and_no_text_is_written_elsewhere() -> None:
    sources = {path.name: path.read_text() for path in INTERFACE.glob("panel*.py")}
    whole = "\n".join(sources.values())
    stages = {"image generation", "image enhancement", "image conversion", "results store"}
    named = {"realesr-general-x4v3", "RealESRGAN_x4plus", "realesr-animevideov3", "bicubic", "lanczos"}
    named |= {"auto", "RealESRGAN_x4plus_anime_6B"}
    states = {"ready", "running", "cancelling", "done", "cancelled", "failed"}
    counted = {"time_one", "time_few", "time_many", "picture_one", "picture_few", "picture_many"}
    unused = {key for key in TEXTS["en"] if not re.search(f"[\"']{key}[\"']", whole)}
    unused -= stages | named | states | counted | {"picture_one_accusative"}
    assert unused == set()
    for name, source in sources.items():
        assert not re.search(r'description="[A-Za-z]', source), f"{name} writes a text by itself"


def test_numbers_ask_for_their_own_form_of_the_word() -> None:
    uk, en = Texts("uk"), Texts("en")
    forms = {1: "картина", 2: "картини", 5: "картин", 11: "картин", 12: "картин", 21: "картина", 22: "картини"}
    assert {count: uk.pictures(count).split()[1] for count in forms} == forms
    assert (en.pictures(1), en.pictures(2)) == ("1 picture", "2 pictures")
    assert (en.duration(0.2), en.duration(99), en.duration(120)) == ("1 s", "99 s", "2 min")
    assert [en.score(value) for value in (1.54948, 0.00392, -1e-6)] == ["1.5495", "0.0039", "0"]
    assert (uk.megabytes(1_260_000), en.megabytes(91_000_000)) == ("1,3 МБ", "91 MB")
    with pytest.raises(ArtganError, match="there is no language 'de'"):
        Texts("de")


def test_a_refusal_bears_its_sentence() -> None:
    assert str(RefusalError("error_model", "why", name="x")) == "The model x cannot be read; choose another one."


def test_models_tell_what_their_cards_and_scores_say(model: Path, tmp_path: Path) -> None:
    folder, runs = tmp_path / "pretrained", tmp_path / "runs"
    (runs / "mine").mkdir(parents=True)
    folder.mkdir()
    for name in ("dcgan", "wgan-gp"):
        (folder / f"{name}.safetensors").write_bytes(model.read_bytes())
    (runs / "mine" / "generator.safetensors").write_bytes(model.read_bytes())
    card = "# DCGAN\n\nIt has *seen* [paintings](x.md)\nof `nine` styles. More.\n\nAnother paragraph."
    (folder / "dcgan.md").write_text(card)
    scores = {"scores": {"fid_768": {"name": "fid_768", "value": 1.2345, "floor": 0.01}}, "card": {}}
    (tmp_path / "scores_dcgan.json").write_text(json.dumps(scores))
    (tmp_path / "scores_wgan-gp.json").write_text("[]")
    found = {one.name: one for one in offered_models([folder, runs], tmp_path)}
    assert list(found) == ["dcgan", "wgan-gp", "mine"]  # the one that has a score, then the project's own
    assert found["dcgan"].summary == "It has seen paintings of nine styles. More."
    assert found["dcgan"].score == ("fid_768", 1.2345, 0.01)
    assert found["wgan-gp"].score is None
    assert (found["mine"].summary, found["mine"].variant) == ("", "dcgan")
    panel = Panel([folder], tmp_path / "out", scores=tmp_path, download=False)
    assert "fid_768, the distance: 1.2345; of real pictures: 0.01; lower is nearer." in panel.settings.card.value
    assert "nine styles. More. By a program’s measure its pictures are 123 times as far" in panel.settings.card.value


def test_what_a_file_tells_of_its_model_is_told_in_the_language_of_the_panel(tmp_path: Path) -> None:
    config = preset("dcgan", "smoke")
    origin = {"images_seen": 400_000, "pictures": 15_375, "score": {"name": "kid_768", "value": 0.0123}}
    path = export_generator(tmp_path / "x.safetensors", build_models(config)[0], config, origin)
    path.with_suffix(".md").write_text("# x\n\n<!-- written by `make figures` -->\nA command.\n")
    panel = Panel([path], tmp_path / "out", download=False)
    told = "Learned to paint from 15,375 pictures.<details><summary>In numbers</summary>"
    told += "<p>dcgan: trained with 400,000 looks at a picture.</p>"
    told += "<p>kid_768, the distance from real pictures: 0.0123; lower is nearer.</p></details>"
    assert panel.settings.card.value == told
    panel.language.value = "uk"
    assert panel.settings.card.value.startswith("Навчилася малювати на 15\u00a0375 картинах.<details>")
    assert "роздивилася картини 400\u00a0000 разів" in panel.settings.card.value
    scores = {"scores": {"fid_768": {"value": 9, "floor": 1}, "kid_768": {"value": 0.0123, "floor": 0.0001}}}
    (tmp_path / "scores_x.json").write_text(json.dumps(scores))
    assert offered_models([path], tmp_path)[0].score == ("kid_768", 0.0123, 0.0001)
    scores["scores"]["kid_768"]["floor"] = -0.0001  # nothing can be told in times of it
    (tmp_path / "scores_x.json").write_text(json.dumps(scores))
    assert offered_models([path], tmp_path)[0].score == ("fid_768", 9, 1)


def contrast(one: str, other: str) -> float:
    """Contrast of two colours #rrggbb (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        colour = colour.lstrip("#")
        if len(colour) == 3:
            colour = "".join(2 * digit for digit in colour)
        values = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "grounds"), [("light", ("#ffffff", "#f3f3f3")), ("dark", ("#111111", "#1e1e1e"))])
def test_texts_have_contrast_in_both_themes(theme: str, grounds: tuple[str, str]) -> None:
    blocks = dict(
        zip(("light", "dark"), re.findall(r"artgan-panel \{(.*?)\n\}", STYLES.read_text(), re.DOTALL), strict=False)
    )
    colours = dict(re.findall(r"--ag-([a-z-]+): (#[0-9a-f]{3,6});", blocks["light"]))
    colours["text"] = "#1c1c1c"
    if theme == "dark":
        colours |= dict(re.findall(r"--ag-([a-z-]+): (#[0-9a-f]{3,6});", blocks["dark"]))
    assert contrast("#000", "#fff") == pytest.approx(21)
    for name in ("text", "muted", "bad", "good", "strong"):
        for ground in grounds:
            assert contrast(colours[name], ground) >= 4.5, (name, ground)
    assert contrast("#ffffff", colours["accent"]) >= 4.5


def test_without_anybody_looking_on_no_widget_tells_of_itself(model: Path, tmp_path: Path) -> None:
    code = (
        "import comm, sys\n"
        "told = []\n"
        "comm.create_comm = lambda **about: told.append(about) or comm.DummyComm(**about)\n"
        "from artgan_lib.interface.panel import Panel\n"
        f"panel = Panel([{str(model)!r}], {str(tmp_path / 'out')!r}, device='cpu', download=False)\n"
        "panel.number.value, panel.size.value = 2, 64\n"
        "panel.generate(wait=True)\n"
        "panel.language.value = 'uk'\n"
        "panel.gallery.tiles[0].enlarge.click()\n"
        "panel.gallery.zip.click()\n"
        "panel.show_run(None)\n"
        "print(len(panel.pictures), len(told))"
    )
    heard = {}
    for headless in ("", "1"):
        environment = {"ARTGAN_HEADLESS": headless, "PYTHONPATH": str(INTERFACE.parents[1]), "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
        )
        assert done.stderr == ""
        heard[headless] = [int(number) for number in done.stdout.split()]
    assert heard["1"] == [2, 0]
    assert heard[""][1] > 100


def test_visitors_get_a_folder_each_and_cannot_leave_it(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Panel] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    settings = {
        "models": [str(model)],
        "scores": str(tmp_path),
        "base": str(tmp_path / "all"),
        "language": "uk",
        "limits": {"count": 2, "size": 64},
        "device": "cpu",
    }
    for _ in range(2):
        show_to_visitor(settings)
    for seed, panel in enumerate(shown):
        panel.seed.value = seed
        panel.generate(wait=True)
        assert (len(panel.pictures), panel.language.value) == (2, "uk")
    one, other = (panel.pictures[0].parents[1] for panel in shown)
    assert one != other
    assert one.parent == other.parent == tmp_path / "all"
    with pytest.raises(ArtganError, match="not among the results"):
        shown[0].show_run(shown[1].pictures[0].parent)


def test_the_page_is_served_with_a_token_on_this_machine_alone(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import voila.app

    class Served(Exception):  # noqa: N818
        pass

    made = []

    class Voila:
        port = 8866

        def __init__(self, config: object) -> None:
            made.append(config)

        def initialize(self, arguments: list[str]) -> None:
            notebook = json.loads(Path(arguments[0]).read_text())
            made.append(notebook["cells"][0]["source"])

        def start(self) -> None:
            self.launch_browser()  # type: ignore[attr-defined]
            raise Served

    monkeypatch.setattr(voila.app, "Voila", Voila)
    monkeypatch.setenv("JUPYTER_PATH", "")
    told: list[str] = []
    page = Page((model,), tmp_path, tmp_path / "out")
    with pytest.raises(Served):
        serve(page, on_ready=told.append)
    config, source = made
    assert (config["Voila"]["ip"], len(config["Voila"]["token"])) == ("127.0.0.1", 24)
    assert config["VoilaConfiguration"]["file_allowlist"] == []
    assert told == [f"http://127.0.0.1:8866/?token={config['Voila']['token']}"]
    assert f"'limits': {{'count': {CLASSROOM.count}, 'size': 1024}}" in source
    assert str(model) in source
    with pytest.raises(ArtganError, match=r"without a token the page is served on 127\.0\.0\.1 alone"):
        serve(page, ip="0.0.0.0", token="")


def test_the_pages_template_fetches_nothing_from_elsewhere() -> None:
    template = panel_page.TEMPLATES / "voila" / "templates" / "artgan" / "index.html.j2"
    import voila

    bases = [path for path in Path(voila.__file__).parents if (path / "share" / "jupyter").is_dir()]
    original = (bases[0] / "share/jupyter/voila/templates/lab/index.html.j2").read_text()
    outside = re.findall(r'href="(https?://[^"]+)"', original)
    assert outside  # if Voila stops asking for them, so can we
    assert all(f"replace('{address}', 'data:text/css,')" in template.read_text() for address in outside)


def test_bad_arguments_of_the_page_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["panel", "--max-count", "0"]) == 2
    assert "--max-count must lie in 1 to 100, not 0" in capsys.readouterr().err
    assert cli.main(["panel", "--model", "nowhere"]) == 2
    assert "there is no model or folder nowhere" in capsys.readouterr().err
