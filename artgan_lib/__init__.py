"""artgan: learn, reproduce and use GANs that paint.

The public names below are loaded when they are first used, so importing the library is quick and needs no PyTorch.
"""

import lazy_loader as lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    submodules=[
        "config",
        "data",
        "evaluation",
        "experiments",
        "gan",
        "images",
        "interface",
        "presets",
        "runlog",
        "studio",
    ],
    submod_attrs={
        "config": ["TrainConfig"],
        "data.dataset": ["ImageDataset", "open_cache"],
        "data.preprocessing": ["load_images", "prepare"],
        "data.survey": ["Survey", "survey"],
        "data.synthetic": ["SYNTHETIC_CLASSES", "synthetic_paintings"],
        "errors": ["ArtganError"],
        "evaluation.collapse.rule": ["collapse_events"],
        "evaluation.collapse.watch": ["CollapseWatch"],
        "evaluation.protocols": ["evaluate"],
        "evaluation.features": ["load_extractor"],
        "evaluation.callbacks.scores": ["Measuring"],
        "gan.checkpoints": ["export_generator", "load_generator"],
        "gan.losses": ["gradient_penalty"],
        "gan.models": ["build_models"],
        "gan.training": ["Callback", "TrainResult", "train"],
        "images": ["image_grid", "read_metadata"],
        "presets": ["POINTS", "PRESETS", "PROFILES", "VARIANTS", "preset"],
        "runlog": ["read_log"],
        "studio.pipeline": ["GenerationJob"],
        "studio.recipes": ["Recipe", "variations", "walk"],
        "gan.sampling": ["sample"],
        "studio.sampling": ["paint_recipes"],
        "studio.settings": ["ConvertingSettings", "EnhancingSettings", "GenerationSettings"],
        "studio.upscaling": ["load_upscaler"],
    },
)
