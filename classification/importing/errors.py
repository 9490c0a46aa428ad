"""What stops an import."""

from sdv.common import catalogues


class CatalogueError(catalogues.CatalogueError):
    """A file or a row that cannot be understood: a Swedish sentence that says which and why. Nothing has been loaded."""
