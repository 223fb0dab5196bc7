"""What Numba compiles, kept on disk where that is possible: a cache is never a reason to fail.

There may be no folder that can be written, the disk may be full, and a power cut may have cut a file short.
Numba raises what comes of it; here the function is compiled anew.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from numba import config, njit
from numba.core.runtime.nrt import rtsys


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that compiles a function with Numba's ``options``, and keeps the code if it can."""

    def compiled(function: Callable[..., Any]) -> Any:
        if getattr(config, "DISABLE_JIT", False):  # all that Numba makes is the function itself
            return function
        try:
            kernel = njit(cache=True, **options)(function)
        except RuntimeError:  # there is no folder that can be written
            return njit(**options)(function)
        file = kernel._cache._cache_file
        file.load, file.save = _loading(file), _saving(file)
        kernel._cache.load_overload = _found(kernel._cache)
        return kernel

    return compiled


def is_kept(kernel: Any, signature: Any) -> bool:
    """Whether Numba's index on disk has a kernel, which is not loaded; Numba itself would load it."""
    file = getattr(kernel._cache, "_cache_file", None)
    if file is None:
        return False
    try:
        return kernel._cache._index_key(signature, kernel.targetctx.codegen()) in file._load_index()
    except Exception:
        return False


def _found(cache: Any) -> Callable[[Any, Any], Any]:
    """Return what looks for compiled code, without what Numba imports first: all that it compiles with.

    That is SciPy's linear algebra too, and takes longer than the kernels of a network. Compiled code needs
    the functions of Numba's runtime alone, unless it hashes or is parallel, which no kernel does.
    """

    def found(signature: Any, context: Any) -> Any:
        rtsys.initialize(context)
        return cache._load_overload(signature, context)

    return found


def _loading(file: Any) -> Callable[[Any], Any]:
    """Return what loads an entry; a damaged index or entry counts as missing, and the index is begun anew."""
    load = file.load

    def loaded(key: Any) -> Any:
        try:
            return load(key)
        except OSError:
            return None
        except Exception:  # of pickle, any
            with suppress(OSError):
                file.flush()
            return None

    return loaded


def _saving(file: Any) -> Callable[[Any, Any], None]:
    """Return what saves an entry, if that is possible."""
    save = file.save

    def saved(key: Any, data: Any) -> None:
        with suppress(OSError):
            save(key, data)

    return saved
