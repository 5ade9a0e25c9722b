"""Figs 1 and 2: the interfaces are the paper's, the names are the code's."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from artgan_lib import ArtganError
from artgan_lib.interface.figures_system import COMPONENTS, INTERFACES, Interface, plot_components, plot_gan, show_way
from artgan_lib.studio.interfaces import STAGES

PAPER = {  # its Fig. 2
    "ITDT": ("training-data store", "image processing"),
    "IPDT": ("image processing", "model training"),
    "IGME": ("model training", "image generation"),
    "IGDT": ("image generation", "image enhancement"),
    "IEDT": ("image enhancement", "image conversion"),
    "IODT": ("image conversion", "results store"),
    "IGS": ("user interface", "image generation"),
    "IES": ("user interface", "image enhancement"),
    "ICS": ("user interface", "image conversion"),
}


def test_the_interfaces_that_the_docstrings_name_are_those_of_the_paper() -> None:
    assert {link.code: (link.start, link.end) for link in INTERFACES} == PAPER


def test_every_component_has_a_part_of_the_code_and_a_place_of_its_own() -> None:
    assert {part.name for part in COMPONENTS} == {name for ends in PAPER.values() for name in ends}
    assert set(STAGES) <= {part.name for part in COMPONENTS}
    assert len({(part.column, part.row) for part in COMPONENTS}) == len(COMPONENTS)
    assert all(part.made_by.__module__.startswith("artgan_lib.") for part in COMPONENTS)


def test_a_thing_whose_docstring_names_no_interface_is_refused() -> None:
    with pytest.raises(ArtganError, match=r"the docstring of COMPONENTS_AS names no interface of Fig\. 2"):
        _ = Interface("here", "there", type("COMPONENTS_AS", (), {"__doc__": "Nothing."})).code


def test_fig_2_bears_every_name_and_no_text_lies_on_another() -> None:
    figure = Figure(figsize=(11, 6.2), layout="constrained")
    ax = plot_components(figure.subplots())
    figure.canvas.draw()
    told = {text.get_text() for text in ax.texts if text.get_text()}
    assert set(PAPER) | {part.name for part in COMPONENTS} <= told
    assert {link.carries.__qualname__ for link in INTERFACES} <= told
    places = [text.get_window_extent() for text in ax.texts if text.get_text()]
    for number, place in enumerate(places):
        assert not any(place.overlaps(other) for other in places[number + 1 :])


def test_fig_1_has_two_ways_back_one_to_each_network(pictures: np.ndarray) -> None:
    ax = plot_gan(Figure().subplots(), pictures[:4], pictures[4:8], np.zeros(128))
    assert len(ax.images) == 3
    ends = [tuple(float(value) for value in line.get_xydata()[-1]) for line in ax.lines]  # type: ignore[index]
    assert [x for x, _ in ends] == [2.7, 8.4], "the generator's place, and the judge's"


def test_a_way_has_an_arrow_between_any_two_stations(pictures: np.ndarray) -> None:
    axes = show_way(Figure().subplots(1, 3), [("one", np.eye(4)), ("two", pictures[0]), ("three", pictures[1])])
    assert [len(ax.texts) for ax in axes] == [0, 1, 1]
    assert [ax.get_title() for ax in axes] == ["one", "two", "three"]
