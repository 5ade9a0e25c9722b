"""The panel's header, and where all its parts stand."""

from pathlib import Path
from typing import Any

import ipywidgets

from artgan_lib.interface.panel_gallery import Gallery
from artgan_lib.interface.panel_settings import SettingsView
from artgan_lib.interface.panel_status import StatusView
from artgan_lib.interface.panel_texts import LANGUAGES, Texts

STYLES = Path(__file__).with_name("panel.css")


class HeaderView:
    """The title, and the menu of languages."""

    def __init__(self, language: str) -> None:
        menu = [(name, code) for code, name in LANGUAGES.items()]
        self.language = ipywidgets.Dropdown(options=menu, value=language, layout={"width": "auto"})
        self.title = ipywidgets.HTML()
        self.widget = ipywidgets.HBox([self.title, self.language])

    def say(self, texts: Texts) -> None:
        """Put all texts into a language."""
        self.language.value, self.language.description = texts.language, texts("language")
        self.title.value = f"<h2>artgan <span>{texts('title')}</span></h2>"


def arrange(header: HeaderView, settings: SettingsView, status: StatusView, gallery: Gallery) -> Any:
    """Put the parts together, in the order in which a keyboard walks through them: choose, start, watch, look."""
    left = ipywidgets.VBox([settings.widget, status.start])
    right = ipywidgets.VBox([status.widget, gallery.widget])
    body = ipywidgets.HBox([left, right])
    panel = ipywidgets.VBox(
        [ipywidgets.HTML(f"<style>{STYLES.read_text(encoding='utf-8')}</style>"), header.widget, body]
    )
    for widget, name in {
        header.title: "title",
        header.language: "language",
        header.widget: "header",
        left: "left",
        right: "right",
        body: "body",
        panel: "panel",
    }.items():
        widget.add_class(f"artgan-{name}")
    return panel
