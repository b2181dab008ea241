"""By what an account is known over time (inspection contract, 13.1)."""

from __future__ import annotations

import attrs

from cpamp.inspection.account import provider_name

PROVIDERS = ("codex", "claude", "antigravity", "kimi", "xai")
_HEAD = "usage-account-history:2"


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
        """The account's key, "" where nothing tells it apart."""
        account, label = self.account_snapshot, self.auth_label_snapshot
        file = self.auth_file_snapshot
        if not file and self.source not in (account, label):
            file = self.source
        project, index = self.auth_project_id_snapshot, self.auth_index
        provider = provider_name(self.auth_provider_snapshot) or provider
        ways = (
            ("file-index", (file, index), ()),
            ("file-project", (file, project), (file, provider, project)),
            ("file-account", (file, account), ()),
            ("file-label", (file, label), ()),
            ("file", (file,), (file, provider)),
            ("auth-index", (index,), (provider, index)),
            ("project", (project,), (provider, project)),
            ("account", (account,), (provider, account)),
            ("label", (label,), (provider, label)),
        )
        for kind, needed, values in ways:
            if all(needed):
                return ":".join((_HEAD, kind, *(_hex(value) for value in values or needed)))
        return ""


def _hex(text: str) -> str:
    return text.encode(errors="replace").hex().upper()
