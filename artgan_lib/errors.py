"""The one exception for what a person can put right: its text is one sentence that names the thing and the way out.

Everything else that is raised is a defect and keeps its traceback.
"""


class ArtganError(ValueError):
    """A wrong input or surrounding, told in one sentence; the command line prints it and exits with status 2."""
