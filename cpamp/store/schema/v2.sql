-- The database of cpamp, version 2. Points in time are ms since 1970-01-01 UTC; absent text is ''.

-- A few facts about the file itself.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Dictionaries: a string that repeats is stored once, and one row holds the strings that repeat
-- together. `digest` is the first 16 bytes of the BLAKE2b of the row's texts, by which a row is
-- found; the digest of a forgotten row is random, so that nothing finds it again.

-- The credential that paid, as known when the event was stored.
CREATE TABLE who (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    auth_index TEXT NOT NULL,
    source TEXT NOT NULL,                    -- masked
    source_hash TEXT NOT NULL,               -- lower-case hexadecimal SHA-256
    account_snapshot TEXT NOT NULL,
    auth_label_snapshot TEXT NOT NULL,
    auth_file_snapshot TEXT NOT NULL,
    auth_provider_snapshot TEXT NOT NULL,
    auth_project_id_snapshot TEXT NOT NULL,
    provider TEXT NOT NULL,
    executor_type TEXT NOT NULL,
    auth_type TEXT NOT NULL
);

-- Which model, and whether its cache tokens are inside its input tokens.
CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    model TEXT NOT NULL,                     -- what the client asked for
    requested_model TEXT NOT NULL,
    resolved_model TEXT NOT NULL,            -- what the upstream was asked for
    analytics_model TEXT NOT NULL,           -- without the thinking suffix
    cache_input_mode TEXT NOT NULL           -- included_in_input or separate_from_input
);

-- By which route, and with which settings.
CREATE TABLE way (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    reasoning_effort TEXT NOT NULL,
    service_tier TEXT NOT NULL,              -- the effective one
    request_service_tier TEXT NOT NULL,
    response_service_tier TEXT NOT NULL
);

-- The client's API key.
CREATE TABLE key (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    api_key_hash TEXT NOT NULL               -- lower-case hexadecimal SHA-256
);

-- The downstream client.
CREATE TABLE caller (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    client_ip TEXT NOT NULL,
    x_forwarded_for TEXT NOT NULL,
    user_agent TEXT NOT NULL
);

-- How the attempt ended.
CREATE TABLE ending (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    failed INTEGER NOT NULL,                 -- 0 or 1
    fail_status_code INTEGER NOT NULL,       -- HTTP status, 0 = none
    fail_summary TEXT NOT NULL,              -- redacted
    header_error_kind TEXT NOT NULL,
    header_error_code TEXT NOT NULL,
    plan_type TEXT NOT NULL
);

-- One row per attempt. Ids are contiguous from 1.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    hash NOT NULL,                           -- 32 bytes where the text is lower-case hexadecimal
    timestamp_ms INTEGER NOT NULL,
    timestamp_form INTEGER NOT NULL,         -- ns below the ms + 2^20 * the form of the text
    created_at_ms INTEGER NOT NULL,          -- when the event was stored first
    who INTEGER NOT NULL,
    model INTEGER NOT NULL,
    way INTEGER NOT NULL,
    key INTEGER NOT NULL,
    caller INTEGER NOT NULL,
    ending INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,           -- all counts as received
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    cache_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_creation_tokens INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,           -- made up where none was given
    latency_ms INTEGER,                      -- NULL = not told
    ttft_ms INTEGER,                         -- NULL = not told, 0 = not measured
    auth_snapshot_at_ms INTEGER,             -- NULL = no snapshot
    time_invented INTEGER,                   -- 1 = the time of arrival stands in for the event's
    connection INTEGER NOT NULL              -- the CPA connection that it came from
);

-- No event twice: the one writer looks a hash up before it inserts. An event and its duplicate
-- share their day, so writing stays local; the end of a hash is enough to find it by.
CREATE INDEX events_hash ON events (timestamp_ms / 86400000, substr(hash, -8));
-- Those whose duplicate may have another time.
CREATE UNIQUE INDEX events_invented ON events (hash) WHERE time_invented;

-- What is unique to an event. No row where there is nothing.
CREATE TABLE details (
    event INTEGER PRIMARY KEY,
    request_id TEXT,
    trace_id TEXT,
    metadata BLOB,                           -- JSON, raw deflate with a preset dictionary; in it
                                             -- U+0001 is trace_id, U+0002 quota_recover_at_ms
    dictionary INTEGER,                      -- the version of that dictionary; stays when the
                                             -- metadata is let go (0: it had none)
    quota_recover_at_ms INTEGER,
    quota_used_percent REAL,
    timestamp_text TEXT,                     -- where the numbers don't give it again
    fail_body TEXT,                          -- redacted, where it says more than the summary
    unknown TEXT,                            -- members that no rule reads, redacted JSON
    raw TEXT                                 -- the record, redacted JSON, if payloads are kept
);

-- What CPA says is to be billed, where the counts alone would give something else.
CREATE TABLE billed (
    event INTEGER PRIMARY KEY,
    prompt INTEGER NOT NULL,                 -- tokens
    cache_read INTEGER NOT NULL,
    cache_creation INTEGER NOT NULL,
    output INTEGER NOT NULL
);

-- Records that could not be made into events.
CREATE TABLE dead_letter_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    payload TEXT NOT NULL,                   -- redacted, cut
    error TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,                     -- JSON
    updated_at_ms INTEGER NOT NULL
);

-- What was watched: runs of minutes (since 1970) of one state.
CREATE TABLE coverage (
    connection INTEGER NOT NULL,
    from_minute INTEGER NOT NULL,
    to_minute INTEGER NOT NULL,              -- the last minute of the run
    state TEXT NOT NULL,                     -- covered, at_risk or lost
    reason TEXT NOT NULL,
    PRIMARY KEY (connection, from_minute)
) WITHOUT ROWID;

-- The price book: what a model costs, all in USD per million tokens. A flag tells a price that was
-- stated, which may be 0, from one that is not known.
CREATE TABLE model_prices (
    model TEXT PRIMARY KEY,
    prompt_per_1m REAL NOT NULL,
    completion_per_1m REAL NOT NULL,
    cache_per_1m REAL NOT NULL,              -- cached tokens of no stated kind
    cache_read_per_1m REAL NOT NULL,
    cache_creation_per_1m REAL NOT NULL,
    prompt_configured INTEGER NOT NULL,      -- flags are 0 or 1
    completion_configured INTEGER NOT NULL,
    cache_read_configured INTEGER NOT NULL,
    cache_creation_configured INTEGER NOT NULL,
    source TEXT NOT NULL,                    -- manual, models.dev, litellm, openrouter, embedded
    source_model_id TEXT NOT NULL,
    raw_json TEXT NOT NULL,                  -- the source's own record
    updated_at_ms INTEGER NOT NULL,
    synced_at_ms INTEGER                     -- NULL = never
) WITHOUT ROWID;

-- Prices of a whole request whose input is above the threshold; only flagged ones count.
CREATE TABLE model_price_context_tiers (
    model TEXT NOT NULL REFERENCES model_prices ON DELETE CASCADE,
    threshold_tokens INTEGER NOT NULL,
    prompt_per_1m REAL NOT NULL,
    completion_per_1m REAL NOT NULL,
    cache_per_1m REAL NOT NULL,
    cache_read_per_1m REAL NOT NULL,
    cache_creation_per_1m REAL NOT NULL,
    prompt_configured INTEGER NOT NULL,
    completion_configured INTEGER NOT NULL,
    cache_configured INTEGER NOT NULL,
    cache_read_configured INTEGER NOT NULL,
    cache_creation_configured INTEGER NOT NULL,
    PRIMARY KEY (model, threshold_tokens)
) WITHOUT ROWID;

-- Prices of a request whose service tier is one of the two names; only flagged ones count.
CREATE TABLE model_price_service_tiers (
    model TEXT NOT NULL REFERENCES model_prices ON DELETE CASCADE,
    mode TEXT NOT NULL,                      -- as price sources call it
    service_tier TEXT NOT NULL,              -- as usage records call it
    prompt_per_1m REAL NOT NULL,
    completion_per_1m REAL NOT NULL,
    cache_per_1m REAL NOT NULL,
    cache_read_per_1m REAL NOT NULL,
    cache_creation_per_1m REAL NOT NULL,
    prompt_configured INTEGER NOT NULL,
    completion_configured INTEGER NOT NULL,
    cache_configured INTEGER NOT NULL,
    cache_read_configured INTEGER NOT NULL,
    cache_creation_configured INTEGER NOT NULL,
    PRIMARY KEY (model, mode, service_tier)
) WITHOUT ROWID;

-- What people call a client's API key.
CREATE TABLE api_key_aliases (
    api_key_hash TEXT PRIMARY KEY,           -- lower-case hexadecimal SHA-256
    alias TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,             -- the alias in lower case
    updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Inspections of accounts.
CREATE TABLE inspection_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    trigger_type TEXT NOT NULL,              -- manual or scheduled
    trigger_key TEXT NOT NULL,               -- which scheduled moment
    status TEXT NOT NULL,                    -- running, cancelling, completed, failed, cancelled
                                             -- or interrupted
    started_at_ms INTEGER NOT NULL,
    finished_at_ms INTEGER,                  -- NULL = not ended
    total_files INTEGER NOT NULL DEFAULT 0,  -- entries of CPA's listing
    probe_set_count INTEGER NOT NULL DEFAULT 0,
    sampled_count INTEGER NOT NULL DEFAULT 0,
    completed_count INTEGER NOT NULL DEFAULT 0,
    disabled_count INTEGER NOT NULL DEFAULT 0,
    enabled_count INTEGER NOT NULL DEFAULT 0,
    delete_count INTEGER NOT NULL DEFAULT 0, -- suggestions, as are the next four
    disable_count INTEGER NOT NULL DEFAULT 0,
    enable_count INTEGER NOT NULL DEFAULT 0,
    reauth_count INTEGER NOT NULL DEFAULT 0,
    keep_count INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',          -- why it failed or was ended
    action_error TEXT NOT NULL DEFAULT '',   -- what the newest actions left undone
    settings TEXT NOT NULL,                  -- JSON, what it went by
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
);

CREATE INDEX inspection_runs_started ON inspection_runs (started_at_ms, id);
-- A scheduled moment has one run.
CREATE UNIQUE INDEX inspection_runs_moment ON inspection_runs (trigger_key)
WHERE trigger_type = 'scheduled';

CREATE TABLE inspection_results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    account_key TEXT NOT NULL,
    file_name TEXT NOT NULL,
    display_account TEXT NOT NULL,
    account_snapshot TEXT NOT NULL,
    auth_index TEXT NOT NULL,
    account_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    status TEXT NOT NULL,                    -- as listed, and the next
    state TEXT NOT NULL,
    action TEXT NOT NULL,                    -- keep, disable, enable, delete or reauth
    action_reason TEXT NOT NULL,
    reason_code TEXT NOT NULL,
    action_status TEXT NOT NULL,             -- none, pending, success, failed, skipped or
                                             -- needs_review
    executed_action TEXT NOT NULL,
    action_error TEXT NOT NULL,
    status_code INTEGER,                     -- what the provider answered; NULL = nothing
    used_percent REAL,
    is_quota INTEGER NOT NULL,
    auto_recover INTEGER NOT NULL,
    error TEXT NOT NULL,
    error_kind TEXT NOT NULL,
    error_detail TEXT NOT NULL,
    plan_type TEXT NOT NULL,
    windows TEXT NOT NULL,                   -- JSON array of quota windows, '' = none
    observed INTEGER NOT NULL,               -- 1 = the answer had a section of quotas
    created_at_ms INTEGER NOT NULL,
    UNIQUE (run_id, account_key)
);

CREATE INDEX inspection_results_file ON inspection_results (file_name, id);

CREATE TABLE inspection_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    level TEXT NOT NULL,                     -- info, success, warning or error
    message TEXT NOT NULL,                   -- a key that the panel translates
    detail TEXT NOT NULL,                    -- redacted JSON, '' = none
    created_at_ms INTEGER NOT NULL
);

CREATE INDEX inspection_logs_run ON inspection_logs (run_id, id);

-- Credentials that inspection itself has disabled: only these it may enable again. A row is there
-- before CPA is asked (`intended`), so that a kill in between leaves nothing disabled for ever.
CREATE TABLE inspection_claims (
    file_name TEXT NOT NULL,
    provider TEXT NOT NULL,
    auth_index TEXT NOT NULL,
    account_id TEXT NOT NULL,
    account_snapshot TEXT NOT NULL,
    state TEXT NOT NULL,                     -- intended or held
    mark_ms INTEGER NOT NULL,                -- the file's time after the change, 0 = not known
    disabled_at_ms INTEGER NOT NULL,
    PRIMARY KEY (file_name, provider, auth_index, account_id, account_snapshot)
) WITHOUT ROWID;

-- Credentials that were disabled because a request proved their quota to be used up. A row is there
-- before CPA is asked (`intended`).
CREATE TABLE quota_cooldowns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_name TEXT NOT NULL,
    provider TEXT NOT NULL,
    auth_index TEXT NOT NULL,
    account_id TEXT NOT NULL,
    account_snapshot TEXT NOT NULL,
    owner TEXT NOT NULL,                     -- which rule
    reason_code TEXT NOT NULL,
    window_kind TEXT NOT NULL,
    evidence TEXT NOT NULL,                  -- JSON
    state TEXT NOT NULL,                     -- intended, active, recovered or skipped
    mark_ms INTEGER NOT NULL,                -- the file's time after the change, 0 = not known
    recover_at_ms INTEGER NOT NULL,
    disabled_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    retry_at_ms INTEGER NOT NULL,            -- no restore before
    tries INTEGER NOT NULL,                  -- restores that failed
    note TEXT NOT NULL                       -- why it was skipped, or the last failure
);

CREATE INDEX quota_cooldowns_active ON quota_cooldowns (recover_at_ms)
WHERE state IN ('intended', 'active');

-- Accounts whose failures a person should look at.
CREATE TABLE account_action_candidates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action_type TEXT NOT NULL,               -- delete, reauth or review
    status TEXT NOT NULL,                    -- pending, ignored, resolved or deleted
    provider TEXT NOT NULL,
    file_name TEXT NOT NULL,
    auth_index TEXT NOT NULL,
    account_snapshot TEXT NOT NULL,
    account_id TEXT NOT NULL,
    auth_label TEXT NOT NULL,
    reason_code TEXT NOT NULL,
    reason TEXT NOT NULL,
    may_disable INTEGER NOT NULL,            -- 1 = the failure is plain enough
    evidence TEXT NOT NULL,                  -- JSON, never a whole body
    first_seen_at_ms INTEGER NOT NULL,
    last_seen_at_ms INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    hit_count INTEGER NOT NULL,
    disabled_at_ms INTEGER,                  -- NULL = not disabled by us
    mark_ms INTEGER NOT NULL,                -- the file's time when it was ignored
    last_error TEXT NOT NULL
);

CREATE INDEX account_action_candidates_file
ON account_action_candidates (file_name, action_type, reason_code);

-- What was done to credentials, and by whom. What has a table of its own is told from there:
-- verdicts of inspections, cooldowns, candidates, notices.
CREATE TABLE account_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    file_name TEXT NOT NULL,                 -- '*' = all files
    auth_index TEXT NOT NULL,                -- '' = not known, or all of the file
    action TEXT NOT NULL,                    -- disable, enable, delete, write, fields, rest_over,
                                             -- claim_over, ignore or resolve
    actor TEXT NOT NULL,                     -- daemon, person or outside
    means TEXT NOT NULL,                     -- by which part of the daemon, or through what
    done INTEGER NOT NULL,                   -- 0 = it failed
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL                   -- JSON
);

CREATE INDEX account_log_file ON account_log (file_name, at_ms);

-- Whom notices go to.
CREATE TABLE notification_channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    means TEXT NOT NULL,                     -- webhook, email or telegram
    name TEXT NOT NULL,
    settings TEXT NOT NULL,                  -- JSON, without the secret
    sealed TEXT NOT NULL                     -- the secret, encrypted; '' = none
);

-- What is worth a notice.
CREATE TABLE notification_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL                       -- JSON
);

-- What rules have seen: it holds, or is over since less than the rule's quiet time.
CREATE TABLE notification_held (
    rule INTEGER NOT NULL REFERENCES notification_rules ON DELETE CASCADE,
    key TEXT NOT NULL,                       -- which account, model, …
    since_ms INTEGER NOT NULL,
    text TEXT NOT NULL,
    told INTEGER NOT NULL,                   -- 0 or 1
    ended_ms INTEGER,                        -- NULL = it holds
    PRIMARY KEY (rule, key)
) WITHOUT ROWID;

-- Notices, one row for each way that they take.
CREATE TABLE notification_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    rule_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    over INTEGER NOT NULL,                   -- 1 = tells that it no longer holds
    since_ms INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    channel_name TEXT NOT NULL,
    status TEXT NOT NULL,                    -- waiting, sent or failed
    tries INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,                 -- when it is tried next
    sent_ms INTEGER,
    error TEXT NOT NULL
);

CREATE INDEX notification_log_due ON notification_log (due_ms) WHERE status = 'waiting';

-- Keys that may read and change nothing.
CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL UNIQUE,             -- lower-case hexadecimal SHA-256 of the token
    scopes TEXT NOT NULL,                    -- JSON list of read, metrics or read:key=HASH
    created_at_ms INTEGER NOT NULL,
    last_used_ms INTEGER                     -- NULL = never; up to a minute old
);

-- The quota windows of accounts, as they are now.
CREATE TABLE quota_windows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_key TEXT NOT NULL,
    provider TEXT NOT NULL,
    window_id TEXT NOT NULL,                 -- as we call it
    scope_kind TEXT NOT NULL,                -- for which models, and the next
    scope_key TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    state TEXT NOT NULL,                     -- JSON: values, cycles, whether it is there
    UNIQUE (account_key, provider, window_id, scope_kind, scope_key)
);

-- What they were: a point where something was different, or somebody asked.
CREATE TABLE quota_points (
    window INTEGER NOT NULL,
    observed_at_ms INTEGER NOT NULL,
    source TEXT NOT NULL,                    -- api_query, inspection, response_header or _body
    used_percent REAL,                       -- NULL = not told
    cycle_end_ms INTEGER,                    -- NULL = not told
    PRIMARY KEY (window, observed_at_ms, source)
) WITHOUT ROWID;

-- The newest observation of each set of windows that are told together.
CREATE TABLE quota_heads (
    account_key TEXT NOT NULL,
    provider TEXT NOT NULL,
    scope TEXT NOT NULL,
    observed_at_ms INTEGER NOT NULL,
    authority INTEGER NOT NULL,              -- what outweighs another of the same time
    PRIMARY KEY (account_key, provider, scope)
) WITHOUT ROWID;

-- For a person with sqlite3: events with all their fields. `cpamp show` also unpacks metadata.
CREATE VIEW usage_events AS
SELECT
    e.id,
    nullif(d.request_id, '') AS request_id,
    CASE typeof(e.hash) WHEN 'blob' THEN lower(hex(e.hash)) ELSE e.hash END AS event_hash,
    e.timestamp_ms,
    coalesce(
        d.timestamp_text,
        strftime('%Y-%m-%dT%H:%M:%S', (e.timestamp_ms - t.ms) / 1000, 'unixepoch')
        || CASE e.timestamp_form >> 20
            WHEN 0 THEN rtrim(rtrim(t.fraction, '0'), '.')
            ELSE substr(t.fraction, 1, 1 + (e.timestamp_form >> 20))
        END || 'Z'
    ) AS timestamp,
    nullif(who.provider, '') AS provider,
    nullif(who.executor_type, '') AS executor_type,
    model.model,
    nullif(way.endpoint, '') AS endpoint,
    nullif(way.method, '') AS method,
    nullif(way.path, '') AS path,
    nullif(caller.client_ip, '') AS client_ip,
    nullif(caller.x_forwarded_for, '') AS x_forwarded_for,
    nullif(caller.user_agent, '') AS user_agent,
    nullif(who.auth_type, '') AS auth_type,
    nullif(who.auth_index, '') AS auth_index,
    nullif(who.source, '') AS source,
    nullif(who.source_hash, '') AS source_hash,
    nullif(key.api_key_hash, '') AS api_key_hash,
    nullif(who.account_snapshot, '') AS account_snapshot,
    nullif(who.auth_label_snapshot, '') AS auth_label_snapshot,
    nullif(who.auth_file_snapshot, '') AS auth_file_snapshot,
    nullif(who.auth_provider_snapshot, '') AS auth_provider_snapshot,
    nullif(who.auth_project_id_snapshot, '') AS auth_project_id_snapshot,
    e.auth_snapshot_at_ms,
    nullif(model.requested_model, '') AS requested_model,
    nullif(model.resolved_model, '') AS resolved_model,
    nullif(way.reasoning_effort, '') AS reasoning_effort,
    nullif(way.service_tier, '') AS service_tier,
    nullif(way.request_service_tier, '') AS request_service_tier,
    nullif(way.response_service_tier, '') AS response_service_tier,
    nullif(model.cache_input_mode, '') AS cache_input_mode,
    e.input_tokens,
    e.output_tokens,
    e.reasoning_tokens,
    e.cached_tokens,
    e.cache_tokens,
    e.cache_read_tokens,
    e.cache_creation_tokens,
    CASE model.cache_input_mode WHEN 'separate_from_input' THEN e.input_tokens
        ELSE max(e.input_tokens - max(max(e.cached_tokens, e.cache_tokens),
            e.cache_read_tokens + e.cache_creation_tokens), 0)
        END AS normalized_uncached_input_tokens,
    CASE model.cache_input_mode WHEN 'separate_from_input' THEN
        e.input_tokens + max(max(e.cached_tokens, e.cache_tokens),
            e.cache_read_tokens + e.cache_creation_tokens)
        ELSE e.input_tokens END AS normalized_total_input_tokens,
    max(max(e.cached_tokens, e.cache_tokens) - e.cache_creation_tokens, e.cache_read_tokens)
        AS normalized_cache_read_tokens,
    e.cache_creation_tokens AS normalized_cache_creation_tokens,
    e.total_tokens,
    e.latency_ms,
    e.ttft_ms,
    ending.failed,
    nullif(ending.fail_status_code, 0) AS fail_status_code,
    nullif(ending.fail_summary, '') AS fail_summary,
    NULL AS response_metadata_json,
    d.quota_recover_at_ms AS header_quota_recover_at_ms,
    d.quota_used_percent AS header_quota_used_percent,
    nullif(ending.plan_type, '') AS header_quota_plan_type,
    nullif(ending.header_error_kind, '') AS header_error_kind,
    nullif(ending.header_error_code, '') AS header_error_code,
    nullif(d.trace_id, '') AS header_trace_id,
    coalesce(d.fail_body, nullif(ending.fail_summary, '')) AS fail_body,
    d.raw AS raw_json,
    e.created_at_ms
FROM events AS e
JOIN (
    SELECT
        id,
        (timestamp_ms % 1000 + 1000) % 1000 AS ms,
        printf('.%03d%06d', (timestamp_ms % 1000 + 1000) % 1000, timestamp_form & 1048575)
            AS fraction
    FROM events
) AS t ON t.id = e.id
JOIN who ON who.id = e.who
JOIN model ON model.id = e.model
JOIN way ON way.id = e.way
JOIN key ON key.id = e.key
JOIN caller ON caller.id = e.caller
JOIN ending ON ending.id = e.ending
LEFT JOIN details AS d ON d.event = e.id;
