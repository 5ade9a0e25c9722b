"""What people touch: command line, figures, notebooks and the panel. Nothing else in the library imports it."""
