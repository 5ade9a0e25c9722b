"""Image generation, enhancement and conversion, and the results store: from a trained generator to files."""
