"""What stops an import."""


class CatalogueError(Exception):
    """A file or a row that cannot be understood: a Swedish sentence that says which and why. Nothing has been loaded."""
