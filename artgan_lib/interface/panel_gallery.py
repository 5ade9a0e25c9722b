"""The pictures of the panel: tiles that come one by one, one picture seen large, and what can be done with them.

The gallery shows and tells what was clicked; what then happens is the panel's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
import numpy as np

from artgan_lib.interface.panel_pictures import Shown, data_address, facts, full_tag, image_tag, metadata_of
from artgan_lib.interface.panel_texts import RefusalError, Texts

FEW = 12  # pictures up to which each is shown larger


@dataclass
class Actions:
    """What the gallery calls when something is clicked; each gets the pictures concerned."""

    like: Callable[[Sequence[Shown]], None]
    larger: Callable[[Sequence[Shown]], None]
    morph: Callable[[Sequence[Shown]], None]
    zip: Callable[[], None]
    run: Callable[[str | None], None]  # folder of an earlier run, None: the newest pictures
    origin: Callable[[], None]  # back to the pictures that those shown were made from
    failed: Callable[[Exception], None]


@dataclass
class Tile:
    """A small picture with its two controls."""

    shown: Shown
    image: Any
    enlarge: Any
    choose: Any
    widget: Any = field(default=None)


class Gallery:
    """Tiles, toolbar and the large view."""

    def __init__(self, actions: Actions) -> None:
        self.actions, self.busy, self.moves_focus = actions, False, True
        self.tiles: list[Tile] = []
        self.has_origin = False  # whether what is shown was made from other pictures
        self.open_at: int | None = None
        # Layouts and styles are widgets as well; shared, a hundred tiles cost a browser a third.
        self._layout = ipywidgets.Layout(width="auto")
        self._styles = ipywidgets.Button().style, ipywidgets.Checkbox().style, ipywidgets.HTML().style
        wide = {"width": "auto"}
        self.runs = ipywidgets.Dropdown(options=[("", "")], layout=wide)
        self.told = ipywidgets.HTML()
        self.all = ipywidgets.Button(layout=wide)
        self.like = ipywidgets.Button(layout=wide)
        self.larger = ipywidgets.Button(layout=wide)
        self.morph = ipywidgets.Button(layout=wide)
        self.zip = ipywidgets.Button(layout=wide)
        self.origin = ipywidgets.Button(layout=wide)
        self.link = ipywidgets.HTML()
        self.script = ipywidgets.Output()
        self.empty = ipywidgets.HTML()
        self.grid = ipywidgets.Box()
        self.large = ipywidgets.HTML()
        self.facts = ipywidgets.HTML()
        self.back = ipywidgets.Button(layout=wide)
        self.previous = ipywidgets.Button(layout=wide)
        self.next = ipywidgets.Button(layout=wide)
        self.like_open = ipywidgets.Button(layout=wide)
        self.larger_open = ipywidgets.Button(layout=wide)
        self.save = ipywidgets.HTML()
        actions_row = ipywidgets.HBox([self.origin, self.all, self.like, self.larger, self.morph, self.zip])
        steps = ipywidgets.HBox([self.back, self.previous, self.next])
        beside = ipywidgets.VBox([steps, self.facts, self.like_open, self.larger_open, self.save])
        self.detail = ipywidgets.HBox([self.large, beside])
        self.toolbar = ipywidgets.VBox([ipywidgets.HBox([self.told, self.runs]), actions_row, self.link, self.script])
        self.widget = ipywidgets.VBox([self.toolbar, self.empty, self.detail, self.grid])
        for widget, name in {
            self.widget: "gallery",
            self.toolbar: "toolbar",
            actions_row: "actions",
            self.grid: "grid",
            self.detail: "detail",
            self.large: "large",
            beside: "beside",
            self.empty: "empty",
            self.runs: "runs",
            self.told: "told",
            self.zip: "zip",
            self.larger: "larger",
            self.morph: "morph",
            self.like: "like",
            self.back: "back",
            self.origin: "origin",
            self.link: "link",
            self.script: "script",
            steps: "steps",
        }.items():
            widget.add_class(f"artgan-{name}")
        self.back.on_click(lambda button: self.close())
        self.previous.on_click(lambda button: self.step(-1))
        self.next.on_click(lambda button: self.step(1))
        self.all.on_click(lambda button: self._choose_all())
        self.like.on_click(lambda button: self.actions.like(self.chosen()))
        self.larger.on_click(lambda button: self.actions.larger(self.chosen()))
        self.morph.on_click(lambda button: self.actions.morph(self.chosen()))
        self.zip.on_click(lambda button: self.actions.zip())
        self.origin.on_click(lambda button: self.actions.origin())
        self.like_open.on_click(lambda button: self.actions.like([self.tiles[self.open_at or 0].shown]))
        self.larger_open.on_click(lambda button: self.actions.larger([self.tiles[self.open_at or 0].shown]))
        self._asked = True  # whether a choice in the menu of runs is somebody's, who wants to see the run
        self.runs.observe(lambda change: self.actions.run(change["new"] or None) if self._asked else None, "value")

    def say(self, texts: Texts) -> None:
        """Put all texts into a language."""
        self.texts = texts
        for name in ("like", "larger", "morph", "zip", "back", "origin", "previous", "next"):
            getattr(self, name).description = texts(name)
        self.like_open.description, self.larger_open.description = texts("like"), texts("larger")
        self.runs.description = texts("runs")
        self.empty.value = f"<p><b>{texts('empty')}</b></p><p>{texts('empty_hint')}</p>"
        for tile in self.tiles:
            self._name(tile)
        if self.open_at is not None:
            self.open(self.open_at)
        self._fit()

    def clear(self) -> None:
        """Take all pictures away; their files stay."""
        for tile in self.tiles:
            for widget in (tile.widget, tile.image, tile.enlarge, tile.choose):
                widget.close()
        self.tiles, self.open_at, self.grid.children, self.link.value = [], None, (), ""
        self._fit()

    def add(self, pictures: Sequence[tuple[Shown, np.ndarray | None]]) -> None:
        """Put pictures behind those that are there, each with its thumbnail."""
        for shown, pixels in pictures:
            tile = self._tile(shown, pixels, len(self.tiles))
            self.tiles.append(tile)
        self.grid.children = tuple(tile.widget for tile in self.tiles)
        (self.grid.add_class if len(self.tiles) <= FEW else self.grid.remove_class)("artgan-few")
        self._fit()

    def chosen(self) -> list[Shown]:
        """Return the pictures that are ticked, in order."""
        return [tile.shown for tile in self.tiles if tile.choose.value]

    def open(self, index: int) -> None:
        """Show one picture large, with its seed and settings."""
        shown = self.tiles[index].shown
        about = self.texts("picture", name=shown.name)
        try:
            self.large.value = full_tag(shown.path, about)
            self.facts.value = facts(shown, metadata_of(shown), self.texts)
            self.save.value = self._link(shown.path.name, shown.path.read_bytes(), self.texts("download"))
        except (OSError, ValueError) as error:
            self.actions.failed(RefusalError("error_gone", str(error), name=shown.path.name))
            return
        self.open_at = index
        self._fit()

    def close(self) -> None:
        """Go back to all pictures; the keyboard goes on where it was."""
        index, self.open_at = self.open_at, None
        self._fit()
        if self.moves_focus and index is not None and index < len(self.tiles):
            self.tiles[index].enlarge.focus()

    def step(self, by: int) -> None:
        """Go to the next picture, or the one before."""
        if self.open_at is not None:
            self.open((self.open_at + by) % len(self.tiles))

    def hand_over(self, name: str, content: bytes) -> None:
        """Give the browser a file: a link, which is clicked at once where scripts may run."""
        size = self.texts.megabytes(len(content))
        self.link.value = self._link(name, content, self.texts("downloading", name=name, megabytes=size))
        # The link is new in the page when this runs; if it is not, a person clicks it.
        script = (
            "let tries = 0; const click = () => { const links = document.querySelectorAll('.artgan-link a'); "
            f"const link = [...links].find(one => one.download === {name!r}); "
            "if (link) link.click(); else if (tries++ < 50) setTimeout(click, 100); }; click();"
        )
        data = {"application/javascript": script, "text/plain": ""}
        self.script.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    def name_run(self, folder: str, *, has_origin: bool) -> None:
        """Let the menu say which run is shown, nothing for the newest, and whether other pictures led to it."""
        self.has_origin, self._asked = has_origin, False
        try:
            self.runs.value = folder if folder in [known for _, known in self.runs.options] else ""
        finally:
            self._asked = True
        self._fit()

    def list_runs(self, runs: Sequence[tuple[str, str]]) -> None:
        """Offer earlier runs, as (what is told, folder), newest first; what was chosen stays."""
        value, options = self.runs.value, [(self.texts("this_run"), ""), *runs]
        if list(self.runs.options) != options:
            # Set together, so that nobody hears of a choice that nobody made.
            with self.runs.hold_trait_notifications():
                self.runs.options = options
                self.runs.value = value if value in [folder for _, folder in options] else ""
        self.runs.layout.display = None if runs else "none"

    def set_busy(self, busy: bool) -> None:
        """While a run goes on nothing is begun from here."""
        self.busy = busy
        self._fit()

    def _tile(self, shown: Shown, pixels: np.ndarray | None, index: int) -> Tile:
        button, checkbox, html = self._styles
        tile = Tile(
            shown,
            ipywidgets.HTML(image_tag(pixels, ""), layout=self._layout, style=html),
            ipywidgets.Button(layout=self._layout, style=button),
            ipywidgets.Checkbox(False, indent=False, layout=self._layout, style=checkbox),
        )
        tile.widget = ipywidgets.VBox([tile.image, tile.enlarge, tile.choose], layout=self._layout)
        tile.widget.add_class("artgan-tile")
        self._name(tile)
        tile.enlarge.on_click(lambda button: self._open_by_hand(index))
        tile.choose.observe(lambda change: self._fit(), "value")
        return tile

    def _name(self, tile: Tile) -> None:
        name = self.texts("film") if tile.shown.recipe is None else tile.shown.name
        tile.choose.description = self.texts("choose", name=name)
        tile.enlarge.description = self.texts("enlarge", name=name)

    def _open_by_hand(self, index: int) -> None:
        self.open(index)
        if self.moves_focus and self.open_at is not None:
            self.back.focus()

    def _choose_all(self) -> None:
        value = len(self.chosen()) < len(self.tiles)
        for tile in self.tiles:
            tile.choose.value = value

    def _link(self, name: str, content: bytes, text: str) -> str:
        address = data_address(name, content)
        return f'<a class="artgan-button" href="{address}" download="{name}">{text}</a>'

    def _fit(self) -> None:
        """Show what there is, and let be done what can be."""
        chosen, there = self.chosen(), bool(self.tiles)
        painted = [shown for shown in chosen if shown.recipe]
        opened = self.tiles[self.open_at].shown if self.open_at is not None else None
        self.told.value = (
            self.texts("chosen", pictures=self.texts.pictures(len(chosen))) if chosen else self.texts("chosen_none")
        )
        self.all.description = self.texts("none" if there and len(chosen) == len(self.tiles) else "all")
        for button, possible in (
            (self.like, len(painted) == 1),
            (self.larger, bool(painted)),
            (self.morph, len(painted) == 2),
            (self.zip, True),
            (self.origin, True),
            (self.runs, True),
            (self.like_open, bool(opened and opened.recipe)),
            (self.larger_open, bool(opened and opened.recipe)),
        ):
            button.disabled = self.busy or not possible
        for widget, shown in (
            (self.empty, not there),
            (self.detail, opened is not None),
            (self.grid, there and opened is None),
            (self.told, there and opened is None),
            (self.all, there and opened is None),
            (self.like, bool(chosen) and opened is None),
            (self.larger, bool(chosen) and opened is None),
            (self.morph, bool(chosen) and opened is None),
            (self.zip, there and opened is None),
            (self.origin, self.has_origin and opened is None),
        ):
            widget.layout.display = None if shown else "none"
