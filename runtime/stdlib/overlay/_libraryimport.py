"""Imports modules of the standard library that the program carries in itself.

Their folders have paths below sys._stdlib_dir like those of an installed library, but there are no such files: what
they contain comes from the native module _library. What is installed in folders of these paths is found after it.
"""

import _frozen_importlib as _bootstrap
import _frozen_importlib_external as _bootstrap_external
import _library
import sys


class LibraryImporter(_bootstrap_external._LoaderBasics):
    """Finds and loads the modules of one folder of the library. A path hook: raises ImportError for any other path."""

    def __init__(self, path):
        root = sys._stdlib_dir
        if path == root:
            folder = ''
        elif isinstance(path, str) and path.startswith(root + '/'):
            folder = path[len(root) + 1:]
        else:
            raise ImportError('not in the embedded library', path=path)
        if not _library.is_folder(folder):
            raise ImportError('no such folder in the embedded library', path=path)
        self.path = path
        self._root = root
        self._prefix = folder and folder + '/'
        self._installed = None

    def __repr__(self):
        return f'<LibraryImporter object "{self.path}">'

    def __eq__(self, other):
        if not isinstance(other, LibraryImporter):
            return NotImplemented
        return self.path == other.path

    def __hash__(self):
        return hash(self.path)

    def _locate(self, fullname):
        """The file of a module, relative to the root, and whether it is a package."""
        name = self._prefix + fullname.rpartition('.')[2]
        for file, is_package in (name + '/__init__.py', True), (name + '.py', False):
            if _library.is_file(file):
                return file, is_package
        return None, False

    def _find(self, fullname):
        file, is_package = self._locate(fullname)
        if file is None:
            raise ImportError(f"can't find module {fullname!r}", name=fullname)
        return file, is_package

    def find_spec(self, fullname, target=None):
        file, is_package = self._locate(fullname)
        if file is None:
            return self._find_installed(fullname, target)
        path = f'{self._root}/{file}'
        locations = [path.rpartition('/')[0]] if is_package else None
        return _bootstrap_external.spec_from_file_location(
            fullname, path, loader=self, submodule_search_locations=locations)

    def _find_installed(self, fullname, target):
        if self._installed is None:
            loaders = _bootstrap_external._get_supported_file_loaders()
            self._installed = _bootstrap_external.FileFinder(self.path, *loaders)
        return self._installed.find_spec(fullname, target)

    def invalidate_caches(self):
        """Only what is installed beside the library can change."""
        if self._installed is not None:
            self._installed.invalidate_caches()

    def get_filename(self, fullname):
        return f'{self._root}/{self._find(fullname)[0]}'

    def is_package(self, fullname):
        return self._find(fullname)[1]

    def get_code(self, fullname):
        file, _ = self._find(fullname)
        return _library.code(file, f'{self._root}/{file}')

    def get_source(self, fullname):
        return _library.data(self._find(fullname)[0]).decode()

    def get_data(self, path):
        if path.startswith(self._root + '/'):
            data = _library.data(path[len(self._root) + 1:])
            if data is not None:
                return data
        import errno
        raise FileNotFoundError(errno.ENOENT, 'No such file or directory', path)

    def get_resource_reader(self, fullname):
        import _libraryresources
        return _libraryresources.Reader(fullname, self._find(fullname)[0].rpartition('/')[0])

    def iter_modules(self, prefix=''):
        """For pkgutil: names of modules, and whether they are packages."""
        folder = self._prefix[:-1]
        for entry in _library.entries(folder):
            if entry.endswith('/'):
                if _library.is_file(f'{self._prefix}{entry}__init__.py'):
                    yield prefix + entry[:-1], True
            elif entry.endswith('.py') and entry != '__init__.py':
                yield prefix + entry[:-3], False


def _install():
    """Makes the library importable."""
    sys.path_hooks.insert(0, LibraryImporter)
