"""The settings of the panel, grouped as the interfaces IGS, IES and ICS of Fig. 2, and read as their three classes."""

import html
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets

from artgan_lib.errors import ArtganError
from artgan_lib.images import FORMATS
from artgan_lib.interface.panel_models import OfferedModel, tell_model
from artgan_lib.interface.panel_texts import RefusalError, Texts
from artgan_lib.interface.panel_widgets import Number
from artgan_lib.studio import upscaling
from artgan_lib.studio.settings import MAX_COUNT, ConvertingSettings, EnhancingSettings, GenerationSettings

VARIETIES = {"variety_full": 0.0, "variety_less": 1.5, "variety_half": 1.0, "variety_low": 0.5}
"""Keys of texts, and the truncation that each stands for; 0 is none, since a menu cannot hold None."""

CONTROLS = (
    *("model", "style", "number", "seed", "variety", "size", "upscaler", "format"),
    *("quality", "lossless", "sheet", "folder"),
)
"""Names of the controls that hold a value, in the order in which they stand."""

_NAMES = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}


@dataclass(frozen=True)
class Limits:
    """What a run may ask for at most."""

    count: int = MAX_COUNT
    size: int = max(upscaling.SIZES)

    def check(self, count: int, size: int) -> None:
        """Refuse what is beyond; a browser can send anything.

        Raises:
            RefusalError: If it is.
        """
        if count > self.count or size > self.size:
            raise RefusalError("error_limit", count=self.count, size=self.size)


class Wanted(NamedTuple):
    """What the settings say, and where the results go."""

    generation: GenerationSettings
    enhancing: EnhancingSettings
    converting: ConvertingSettings
    base: Path


class SettingsView:
    """The controls. Each is an attribute with a `value`, so that code can set what a hand can.

    Args:
        models: What there is to choose from.
        base: Folder of all results.
        limits: Of a run.
        confined: Results stay in `base`, which cannot be changed.
        download: Enlargers that are not on this machine are offered, too.
    """

    def __init__(
        self, models: Sequence[OfferedModel], base: Path, limits: Limits, *, confined: bool, download: bool
    ) -> None:
        self.models = {model.name: model for model in models}
        self.base, self.limits, self.confined = base, limits, confined
        self.upscalers = _upscalers(download)
        wide = {"width": "auto"}
        self.model = ipywidgets.Dropdown(options=list(self.models), layout=wide)
        self.card = ipywidgets.HTML()
        self.style = ipywidgets.Dropdown(options=[("", "")], layout=wide)
        self.number = Number(min(16, limits.count), 1, limits.count, wide)
        self.number_hint = ipywidgets.HTML()
        self.seed = Number(7, 0, 2**31 - 1, wide)
        self.surprise = ipywidgets.Button(layout=wide)
        self.seed_hint = ipywidgets.HTML()
        self.variety = ipywidgets.Dropdown(options=list(VARIETIES.items()), layout=wide)
        sizes = [(str(size), size) for size in upscaling.SIZES if size <= limits.size]
        self.size = ipywidgets.RadioButtons(options=sizes, value=sizes[-2 if len(sizes) > 2 else -1][1], layout=wide)
        self.upscaler = ipywidgets.Dropdown(options=list(self.upscalers), layout=wide)
        self.size_hint = ipywidgets.HTML()
        self.format = ipywidgets.RadioButtons(options=[(_NAMES[kind], kind) for kind in FORMATS], layout=wide)
        self.quality = Number(95, 1, 100, wide)
        self.quality_hint = ipywidgets.HTML()
        self.lossless = ipywidgets.Checkbox(indent=False, layout=wide)
        self.sheet = ipywidgets.Checkbox(indent=False, layout=wide)
        self.folder = ipywidgets.Text(str(base), layout=wide)
        self.headings = {key: ipywidgets.HTML() for key in ("generation", "enhancement", "conversion")}
        seed_row = ipywidgets.HBox([self.seed, self.surprise])
        groups = {
            "generation": [
                *(self.model, self.card, self.style, self.number, self.number_hint),
                *(seed_row, self.seed_hint, self.variety),
            ],
            "enhancement": [self.size, self.upscaler, self.size_hint],
            "conversion": [self.format, self.quality, self.quality_hint, self.lossless, self.sheet, self.folder],
        }
        for radio in (self.size, self.format):
            radio.add_class("artgan-segments")
        for hint in (self.card, self.number_hint, self.seed_hint, self.size_hint, self.quality_hint):
            hint.add_class("artgan-hint")
        boxes = [ipywidgets.VBox([self.headings[key], *controls]) for key, controls in groups.items()]
        for box in boxes:
            box.add_class("artgan-group")
        seed_row.add_class("artgan-row")
        self.widget = ipywidgets.VBox(boxes)
        self.widget.add_class("artgan-settings")
        self.surprise.on_click(self._surprise)
        for control in (self.model, self.size, self.format, self.lossless, self.number, self.seed, self.quality):
            control.observe(lambda change: self._fit(), "value")
        self.folder.layout.display = "none" if confined else None

    def observe(self, changed: Callable[[], None]) -> None:
        """Call a function whenever a setting changes."""
        for name in CONTROLS:
            getattr(self, name).observe(lambda change: changed(), "value")

    def say(self, texts: Texts) -> None:
        """Put all texts into a language."""
        self.texts = texts
        for key, heading in self.headings.items():
            heading.value = f"<h3>{texts(key)}</h3>"
        for name in (*CONTROLS, "surprise"):
            getattr(self, name).description = texts(name)
        away = [] if all(self.upscalers.values()) else [texts("fetch_hint")]
        self.size_hint.value = "<br>".join([texts("size_hint"), *away])
        _relabel(self.variety, [(texts(key), value) for key, value in VARIETIES.items()])
        named = [(texts(name) if here else texts("not_here", name=texts(name)), name) for name, here in self.offered]
        _relabel(self.upscaler, named)
        self._fit()

    @property
    def offered(self) -> list[tuple[str, bool]]:
        """Enlargers by name, and whether they are on this machine."""
        return list(self.upscalers.items())

    def read(self) -> Wanted:
        """Return what the settings say.

        Raises:
            ArtganError: If they cannot be used.
        """
        model = self.models.get(self.model.value)
        if model is None:
            raise RefusalError("error_no_models", where="data/pretrained")
        if model.problem:
            raise RefusalError("error_model", model.problem, name=model.name)
        self.limits.check(self.number.value, self.size.value)
        generation = GenerationSettings(
            model.path,
            self.number.value,
            self.seed.value,
            truncation=self.variety.value or None,
            style=self.style.value or None,
        )
        return Wanted(generation, self.enhancing(self.size.value), self.converting(), self.results())

    def enhancing(self, size: int) -> EnhancingSettings:
        """Return the settings of the chosen enlarger for a size.

        Raises:
            RefusalError: If the enlarger went away meanwhile, or was never here and may not be fetched.
        """
        name = self.upscaler.value
        if size > min(upscaling.SIZES) and self.upscalers.get(name) and not _available(name):
            raise RefusalError("error_weights", name=self.texts(name))
        return EnhancingSettings(size, name)

    def converting(self) -> ConvertingSettings:
        """Return the settings of the file."""
        kind = self.format.value
        return ConvertingSettings(
            kind, self.quality.value, grid=self.sheet.value, lossless=self.lossless.value and kind == "webp"
        )

    def results(self) -> Path:
        """Return the folder of all results.

        Raises:
            ArtganError: If none is named.
        """
        if self.confined:
            return self.base
        if not self.folder.value.strip():
            raise ArtganError("an empty path names nothing; name a folder for the results")
        return Path(self.folder.value.strip()).expanduser()

    def summary(self, wanted: Wanted) -> list[str]:
        """Tell the chosen parameters in a few words each."""
        generation, size, texts = wanted.generation, wanted.enhancing.size, self.texts
        told = [self.name_of(generation.model), texts.pictures(generation.count)]
        if not generation.recipes:
            told.append(texts("summary_seed", seed=generation.seed))
        if generation.style:
            told.append(generation.style)
        return [*told, f"{size} × {size}", _NAMES[wanted.converting.image_format]]

    def name_of(self, path: Path) -> str:
        """Return the name under which a model is listed."""
        return next((model.name for model in self.models.values() if model.path == path), path.stem)

    def _surprise(self, button: Any) -> None:
        self.seed.value = secrets.randbelow(2**31) % 1_000_000  # short enough to be remembered

    def _fit(self) -> None:
        """Show what the other settings leave to choose."""
        model = self.models.get(self.model.value)
        self.card.value = self._told_of(model)
        _show(self.style, bool(model and model.styles))
        options = [(self.texts("any_style"), ""), *((name, name) for name in (model.styles if model else ()))]
        _relabel(self.style, options)
        _show(self.upscaler, self.size.value > min(upscaling.SIZES))
        _show(self.size_hint, self.size.value > min(upscaling.SIZES))
        _show(self.quality, self.format.value != "png" and not (self.format.value == "webp" and self.lossless.value))
        _show(self.lossless, self.format.value == "webp")
        _show(self.quality_hint, self.quality.layout.display != "none" and self.quality.refused is not None)
        number = self.texts("number_hint", count=self.limits.count)
        self.number_hint.value = self._refused(self.number) or number
        self.seed_hint.value = self._refused(self.seed) or self.texts("seed_hint")
        self.quality_hint.value = self._refused(self.quality)

    def _refused(self, control: Number) -> str:
        """Say that a number was beyond the limits, and what is taken instead; nothing if it was not."""
        if control.refused is None:
            return ""
        key, limit = ("too_large", control.high) if control.refused > control.high else ("too_small", control.low)
        shown = {"value": self.texts.number(control.refused), "limit": self.texts.number(limit)}
        return f'<span class="artgan-refused" role="alert">{self.texts(key, **shown)}</span>'

    def _told_of(self, model: OfferedModel | None) -> str:
        if model is None:
            return ""
        if model.problem:
            return self.texts("error_model", name=model.name)
        plain, numbers = tell_model(model, self.texts)
        fold = ""
        if numbers:
            told = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in numbers)
            fold = f"<details><summary>{self.texts('numbers')}</summary>{told}</details>"
        return f"{html.escape(' '.join(plain))}{fold}"


def _upscalers(download: bool) -> dict[str, bool]:
    """Return the enlargers that can be chosen, best first, and whether each is on this machine."""
    networks = {name: _available(name) for name in (upscaling.AUTO, *upscaling.NETWORKS)}
    here = [name for name, available in networks.items() if available]
    away = dict.fromkeys([name for name, available in networks.items() if not available], False)
    return dict.fromkeys([*here, *upscaling.INTERPOLATIONS], True) | (away if download else {})


def _available(name: str) -> bool:
    try:
        return upscaling.available(name)
    except ArtganError:  # the user's folder of weights is not there
        return False


def _relabel(menu: Any, options: list[tuple[str, Any]]) -> None:
    """Give a menu other texts, or other options, and keep what was chosen where it is still there."""
    value = menu.value
    if list(menu.options) != options:
        menu.options = options
        menu.value = value if value in [option for _, option in options] else options[0][1]


def _show(widget: Any, shown: bool) -> None:
    widget.layout.display = None if shown else "none"
