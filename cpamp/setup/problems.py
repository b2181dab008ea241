"""What setup and configuration refuse, by the codes of the server contract, section 8.2."""

from __future__ import annotations

from cpamp.errors import BadRequest, Problem


class ConnectionRequired(BadRequest):
    """CPA's URL or key is missing, or the key was withheld while the URL changed."""

    code = "cpa_connection_required"

    def __init__(self) -> None:
        super().__init__("cpaBaseUrl and managementKey are required")


class ConnectionRequiredForMonitoring(BadRequest):
    """Monitoring was switched on without a CPA."""

    code = "cpa_connection_required_for_monitoring"

    def __init__(self) -> None:
        super().__init__(
            "cpaBaseUrl and managementKey are required when request monitoring is enabled"
        )


class SetupEnvManaged(Problem):
    """The environment names another connection than the one that was sent."""

    code = "setup_env_managed"
    status = 409

    def __init__(self) -> None:
        super().__init__("setup is managed by environment variables")


class ConnectionEnvManaged(Problem):
    """A setting was to be changed that the environment fixes."""

    code = "connection_env_managed"
    status = 409

    def __init__(self) -> None:
        super().__init__("connection setup is managed by environment variables")


class InvalidExistingKey(Problem):
    """Both URL and key differ from the saved ones."""

    code = "invalid_existing_management_key"
    status = 401

    def __init__(self) -> None:
        super().__init__("invalid management key for existing setup")


class RetentionInvalid(BadRequest):
    """CPA keeps no records at all."""

    code = "cpa_usage_retention_invalid"

    def __init__(self) -> None:
        super().__init__("CPA redis-usage-queue-retention-seconds must be greater than 0")


class PollIntervalExceedsRetention(BadRequest):
    """Records would expire in CPA between two polls."""

    code = "poll_interval_exceeds_retention"

    def __init__(self, retention_seconds: int) -> None:
        super().__init__(
            "pollIntervalMs must be less than or equal to CPA "
            f"redis-usage-queue-retention-seconds ({retention_seconds} seconds)"
        )


class UnusableUrl(Problem):
    """The URL can't be CPA's."""

    status = 502


class ValidationFailed(Problem):
    """CPA did not accept the connection; the message carries CPA's own words."""

    code = "management_api_validation_failed"
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(f"management API validation failed: {reason}")


class ConfigFailed(Problem):
    """CPA's configuration could not be read a second time."""

    code = "management_api_config_failed"
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(f"management API config request failed: {reason}")


class EnableFailed(Problem):
    """CPA refused to switch its usage publishing on."""

    code = "enable_cpa_usage_statistics_failed"
    status = 502

    def __init__(self, reason: str) -> None:
        super().__init__(f"enable CPA usage statistics failed: {reason}")
