"""What inspection refuses (inspection contract, section 1)."""

from __future__ import annotations

from cpamp.errors import BadRequest, Problem


class NotConfigured(Problem):
    """There is no CPA to ask."""

    code = "usage_service_not_configured"
    status = 412

    def __init__(self) -> None:
        super().__init__("usage service is not configured: set up the connection to CPA first")


class Conflict(Problem):
    """What is asked for does not go with what is under way or stored."""

    status = 409


class AlreadyRunning(Conflict):
    """A run, a start or a batch of actions is under way."""

    code = "inspection_already_running"

    def __init__(self) -> None:
        super().__init__("an inspection or a batch of its actions is in progress")


class Stopping(Conflict):
    """The server ends."""

    code = "inspection_stopping"

    def __init__(self) -> None:
        super().__init__("the server is shutting down")


class TriggerExists(Conflict):
    """A scheduled moment has had its run."""

    code = "inspection_trigger_exists"

    def __init__(self) -> None:
        super().__init__("this scheduled inspection has been started already")


class RunNotFound(Problem):
    """There is no run of that id."""

    code = "inspection_run_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("there is no inspection run of that id")


class RunIdInvalid(BadRequest):
    """The path names no run."""

    code = "inspection_run_id_invalid"

    def __init__(self) -> None:
        super().__init__("the id of a run is a positive whole number")


class RunNotCompleted(Conflict):
    """Only the results of a completed run may be acted on."""

    code = "inspection_run_not_completed"

    def __init__(self) -> None:
        super().__init__("only the results of a completed inspection can be acted on")


class RunNotCancellable(Conflict):
    """The run has ended, or is ending."""

    code = "inspection_run_not_cancellable"

    def __init__(self) -> None:
        super().__init__("this inspection can't be cancelled any more")


class ResultIdsRequired(BadRequest):
    """Nothing is selected."""

    code = "inspection_result_ids_required"

    def __init__(self) -> None:
        super().__init__("resultIds must name at least one result")


class NoActionableResults(BadRequest):
    """Nothing of this run is selected."""

    code = "inspection_no_actionable_results"

    def __init__(self) -> None:
        super().__init__("none of the selected results belongs to this inspection")


class OverrideInvalid(BadRequest):
    """An override that is not allowed."""

    code = "inspection_override_invalid"


class InvalidTimeZone(BadRequest):
    """There is no such zone in the zone database."""

    code = "invalid_time_zone"

    def __init__(self, zone: str) -> None:
        super().__init__(f'invalid time zone "{zone}"')


class InvalidTarget(BadRequest):
    """The inspection was to watch something that it can't."""

    code = "inspection_target_invalid"
