"""Runs, results and log entries as answers carry them (inspection contract, 1.2)."""

from __future__ import annotations

from typing import Any

from cpamp.inspection.plan import Outcome
from cpamp.store.inspection import LogEntry, Result, Run


def run_json(run: Run, *, active: bool, cancellable: bool) -> dict[str, Any]:
    """A run. `active`: it is under way in this process."""
    fields: dict[str, Any] = {
        "id": run.id,
        "triggerType": run.trigger_type,
        "status": run.status,
        "startedAtMs": run.started_at_ms,
        "createdAtMs": run.created_at_ms,
        "updatedAtMs": run.updated_at_ms,
        "totalFiles": run.total_files,
        "probeSetCount": run.probe_set_count,
        "sampledCount": run.sampled_count,
        "completedCount": run.completed_count,
        "disabledCount": run.disabled_count,
        "enabledCount": run.enabled_count,
        "deleteCount": run.delete_count,
        "disableCount": run.disable_count,
        "enableCount": run.enable_count,
        "reauthCount": run.reauth_count,
        "keepCount": run.keep_count,
        "settings": run.settings,
        "active": active,
        "cancellable": cancellable,
    }
    optional = {
        "triggerKey": run.trigger_key,
        "finishedAtMs": run.finished_at_ms,
        "error": "; ".join(text for text in (run.error, run.action_error) if text),
    }
    return fields | _present(optional)


def result_json(result: Result) -> dict[str, Any]:
    """A result."""
    fields: dict[str, Any] = {
        "id": result.id,
        "runId": result.run_id,
        "accountKey": result.account_key,
        "fileName": result.file_name,
        "displayAccount": result.display_account,
        "provider": result.provider,
        "disabled": result.disabled,
        "action": result.action,
        "actionReason": result.action_reason,
        "actionStatus": result.action_status,
        "isQuota": result.is_quota,
        "autoRecoverEligible": result.auto_recover,
        "quotaInventoryObserved": result.observed,
        "createdAtMs": result.created_at_ms,
    }
    optional = {
        "accountSnapshot": result.account_snapshot,
        "authIndex": result.auth_index,
        "accountId": result.account_id,
        "status": result.status,
        "state": result.state,
        "actionReasonCode": result.reason_code,
        "executedAction": result.executed_action,
        "actionError": result.action_error,
        "statusCode": result.status_code,
        "error": result.error,
        "planType": result.plan_type,
        "quotaWindows": result.windows,
        "errorKind": result.error_kind,
        "errorDetail": result.error_detail,
    }
    if result.used_percent is not None:
        fields["usedPercent"] = result.used_percent
    return fields | _present(optional)


def log_json(run_id: int, entry: LogEntry) -> dict[str, Any]:
    """An entry of the log of a run."""
    fields = {
        "id": entry.id,
        "runId": run_id,
        "level": entry.level,
        "message": entry.message,
        "createdAtMs": entry.created_at_ms,
    }
    return fields | _present({"detail": entry.detail})


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """What became of one selected result."""
    result = outcome.result
    fields: dict[str, Any] = {
        "resultId": result.id,
        "accountKey": result.account_key,
        "fileName": result.file_name,
        "displayAccount": result.display_account,
        "action": outcome.action,
        "status": outcome.status,
        "success": outcome.success,
    }
    return fields | _present({"error": outcome.error})


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
