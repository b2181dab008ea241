"""The data key while the daemon runs: there, missing, or not the one that sealed what is stored.

Source: server contract, sections 4.1 and 4.3, with point B-4 of section 22.
"""

from __future__ import annotations

from pathlib import Path

from cpamp.security import datakey
from cpamp.security.secrets import PREFIX, SecretBox, SecretError


class Vault:
    """Holds the data key. `problem` is "" or why stored secrets can't be read."""

    def __init__(self, given: str, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._given = given
        self._box: SecretBox | None = None

    def load(self) -> None:
        """Take the given key or the file's; raises `DataKeyError`. A missing file is no error."""
        key = datakey.load(self._given, self.path)
        self._box = SecretBox(key) if key else None

    def open(self, stored: str) -> bool:
        """Make sure that there is a key, knowing a stored secret ("" for none).

        A new key is made only where nothing was sealed with an old one; otherwise, and when the
        key does not fit, `problem` says so and the secret counts as not there. Returns whether a
        key was made; raises `DataKeyError` where that fails.
        """
        try:
            if self._box is None and not stored:
                self.ensure()
                return True
            self.decrypt(stored)
        except SecretError as e:
            self.problem = e.message
        return False

    def decrypt(self, stored: str) -> str:
        """The text of a stored secret; raises `SecretError`."""
        if self._box is None:
            raise SecretError(f"the data key {self.path} is missing")
        return self._box.decrypt(stored)

    def ensure(self) -> SecretBox:
        """The key, made now if there is none; raises `DataKeyError` where that fails."""
        if self._box is None:
            self._box = SecretBox(datakey.create(self.path))
        return self._box

    def encrypt(self, text: str) -> str:
        """The text sealed under the key."""
        return self.ensure().encrypt(text)

    def sealed(self, stored: str) -> str:
        """A secret as it is stored, sealed if it is old plain text."""
        return stored if stored.startswith(PREFIX) else self.encrypt(stored)

    def saved(self) -> None:
        """What is stored has been sealed anew under the present key."""
        self.problem = ""
