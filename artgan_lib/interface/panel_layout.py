"""Where the parts of the panel stand."""

from typing import Any

import ipywidgets

from artgan_lib.interface.panel_gallery import Gallery
from artgan_lib.interface.panel_settings import SettingsView
from artgan_lib.interface.panel_status import StatusView
from artgan_lib.interface.panel_styles import STYLES


def arrange(title: Any, language: Any, settings: SettingsView, status: StatusView, gallery: Gallery) -> Any:
    """Put the parts together, in the order in which a keyboard walks through them: choose, start, watch, look."""
    header = ipywidgets.HBox([title, language])
    left = ipywidgets.VBox([settings.widget, status.start])
    right = ipywidgets.VBox([status.widget, gallery.widget])
    body = ipywidgets.HBox([left, right])
    panel = ipywidgets.VBox([ipywidgets.HTML(f"<style>{STYLES}</style>"), header, body])
    for widget, name in {
        title: "title",
        language: "language",
        header: "header",
        left: "left",
        right: "right",
        body: "body",
        panel: "panel",
    }.items():
        widget.add_class(f"artgan-{name}")
    return panel
