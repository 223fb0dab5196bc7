"""Who wrote a layer, a learning rule or a penalty: assay, or a user."""

_digests: dict[str, str] = {}
"""Digests of users' code, by the names of the modules that the user's program has imported itself."""


def is_ours(cls: type) -> bool:
    """Whether a class is one of assay's, not a user's."""
    return cls.__module__.startswith("assay.")


def keep_digest(module: str, digest: str) -> None:
    """Keep the digest of a user's module whose name does not bear it."""
    _digests[module] = digest


class Authored:
    """Something that a user may write too."""

    @property
    def title(self) -> str:
        """What it is called in messages: the name of its class, as its author wrote it."""
        return type(self).__name__

    @property
    def users_own(self) -> bool:
        """Whether the code is a user's, not one of assay's."""
        return not is_ours(type(self))

    @property
    def code_digest(self) -> str:
        """What changes when the code is edited: its digest, or its module's name, which contains it."""
        module = type(self).__module__
        return _digests.get(module, module)
