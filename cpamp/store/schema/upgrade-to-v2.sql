-- Accounts that are known by their file and a name alone: the provider comes into their key, as it
-- is in that of their events.
UPDATE quota_windows SET account_key = rtrim(account_key, '0123456789ABCDEF') || hex(provider)
    || ':' || substr(account_key, length(rtrim(account_key, '0123456789ABCDEF')) + 1)
WHERE account_key GLOB 'usage-account-history:2:file-account:*'
    OR account_key GLOB 'usage-account-history:2:file-label:*';

UPDATE quota_heads SET account_key = rtrim(account_key, '0123456789ABCDEF') || hex(provider)
    || ':' || substr(account_key, length(rtrim(account_key, '0123456789ABCDEF')) + 1)
WHERE account_key GLOB 'usage-account-history:2:file-account:*'
    OR account_key GLOB 'usage-account-history:2:file-label:*';

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

CREATE INDEX inspection_results_file ON inspection_results (file_name, id);
