"""By what an account is known over time (inspection contract, 13.1)."""

from __future__ import annotations

import attrs

from cpamp.usage.identity import Identity

PROVIDERS = ("codex", "claude", "antigravity", "kimi", "xai")


@attrs.frozen
class AccountNames:
    """What is known of an account; "" for what is not."""

    account_snapshot: str = ""
    auth_label_snapshot: str = ""
    auth_file_snapshot: str = ""
    auth_provider_snapshot: str = ""
    auth_project_id_snapshot: str = ""
    auth_index: str = ""
    source: str = ""

    def key(self, provider: str) -> str:
        """The account's key, "" where nothing tells it apart; the one of its events."""
        texts = attrs.asdict(self)
        return Identity.of(texts, self.auth_provider_snapshot.strip() or provider).key
