"""Scripts that made what is committed; the library and the notebooks do without them."""
