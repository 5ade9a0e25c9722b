"""Redraws the committed figures, the model cards and README's tables: `python -m reproduction.figures`."""

from pathlib import Path

from artgan_lib.interface.redraw import redraw_figures

if __name__ == "__main__":
    for path in redraw_figures(Path(__file__).parents[1]):
        print(path)
