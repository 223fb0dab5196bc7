"""Who wrote a layer, a learning rule or a penalty: assay, or a user."""


def is_ours(cls: type) -> bool:
    """Whether a class is one of assay's, not a user's."""
    return cls.__module__.startswith("assay.")


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
