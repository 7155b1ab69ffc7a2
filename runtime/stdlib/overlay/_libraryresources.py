"""importlib.resources for packages of the embedded library."""

import io
from importlib.resources.abc import Traversable, TraversableResources

import _library


class Path(Traversable):
    """A file or folder of the library."""

    def __init__(self, path):
        self._path = path

    def __repr__(self):
        return f'Path({self._path!r})'

    @property
    def name(self):
        return self._path.rpartition('/')[2]

    def is_file(self):
        return _library.is_file(self._path)

    def is_dir(self):
        return _library.is_folder(self._path)

    def iterdir(self):
        if not self.is_dir():
            raise NotADirectoryError(self._path)
        for entry in _library.entries(self._path):
            yield self.joinpath(entry.removesuffix('/'))

    def joinpath(self, *descendants):
        path = '/'.join([self._path, *map(str, descendants)])
        return Path('/'.join(part for part in path.split('/') if part not in ('', '.')))

    def open(self, mode='r', *args, **kwargs):
        data = _library.data(self._path)
        if data is None:
            raise FileNotFoundError(self._path)
        stream = io.BytesIO(data)
        return stream if 'b' in mode else io.TextIOWrapper(stream, *args, **kwargs)


class Reader(TraversableResources):
    """The resources of one package."""

    def __init__(self, package, folder):
        self.package = package
        self._folder = folder

    def files(self):
        return Path(self._folder)
