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
