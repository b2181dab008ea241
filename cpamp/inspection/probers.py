"""The probers of a run, by the provider that each asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from cpamp.inspection.editor import Editor
from cpamp.inspection.probing import CodexProber, Prober
from cpamp.inspection.recorder import Recorder
from cpamp.inspection.settings import InspectionSettings
from cpamp.inspection.xai_probing import XaiProber


@attrs.frozen
class Probers:
    """Makes them."""

    _reactor: Any
    _now_ms: Callable[[], int]

    def of(
        self, settings: InspectionSettings, recorder: Recorder, editor: Editor
    ) -> Mapping[str, Prober]:
        """The probers that go by these settings and tell this recorder."""
        credentials = editor.credentials
        return {
            "codex": CodexProber(self._reactor, credentials, settings, recorder, self._now_ms),
            "xai": XaiProber(self._reactor, credentials, settings, recorder),
        }
