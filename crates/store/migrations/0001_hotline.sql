-- The first shape of everything. One text for SQLite and PostgreSQL: times are BIGINT microseconds
-- since 1970 (UTC), dates TEXT YYYY-MM-DD, ids TEXT as they print, money BIGINT fen, booleans
-- BIGINT 0 or 1. Times end in _us, durations in _ms, money in _fen.

-- Something that is set once for the whole installation.
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Each start of an engine at a site claims one, before it makes its first id.
CREATE TABLE epochs (
    site BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    began_us BIGINT NOT NULL,
    PRIMARY KEY (site, epoch)
);

-- What happened, appended once. `subject` is whom an entry of the audit is about.
CREATE TABLE facts (
    site BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    mono_ns BIGINT NOT NULL,
    wall_us BIGINT NOT NULL,
    version BIGINT NOT NULL,
    kind TEXT NOT NULL,
    call_id TEXT,
    subject TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (site, epoch, seq)
);
CREATE INDEX facts_of_call ON facts (call_id, epoch, seq) WHERE call_id IS NOT NULL;
CREATE INDEX facts_by_time ON facts (site, wall_us);
CREATE INDEX facts_of_audit ON facts (wall_us, site, epoch, seq)
    WHERE kind IN ('session_opened', 'refused', 'unmasked', 'played');

-- Calls whose record is not settled: what a restarted engine must look at.
CREATE TABLE unsettled_calls (
    call_id TEXT PRIMARY KEY,
    site BIGINT NOT NULL
);

-- One row per ended call. The lists (menu_path, inputs, offers) are JSON.
CREATE TABLE call_records (
    call_id TEXT PRIMARY KEY,
    site BIGINT NOT NULL,
    trunk TEXT NOT NULL,
    ani TEXT NOT NULL,
    ani_key TEXT NOT NULL,
    dnis TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    arrived_us BIGINT NOT NULL,
    answered_us BIGINT,
    queued_us BIGINT,
    agent_answered_us BIGINT,
    ended_us BIGINT NOT NULL,
    menu_path TEXT NOT NULL,
    inputs TEXT NOT NULL,
    queue TEXT,
    tier BIGINT,
    waited_ms BIGINT,
    rang_ms BIGINT,
    talked_ms BIGINT,
    acw_ms BIGINT,
    offers TEXT NOT NULL,
    agent TEXT,
    outcome TEXT NOT NULL,
    cause TEXT NOT NULL,
    lookup TEXT,
    lookup_ms BIGINT,
    customer_id TEXT,
    disposition TEXT,
    settled BIGINT NOT NULL
);
CREATE INDEX call_records_by_time ON call_records (arrived_us, call_id);
CREATE INDEX call_records_of_agent ON call_records (agent, arrived_us, call_id);
CREATE INDEX call_records_of_queue ON call_records (queue, arrived_us, call_id);
CREATE INDEX call_records_of_caller ON call_records (ani_key, arrived_us, call_id);

-- One row per recording, from its start. Sealed when sha256 is there.
CREATE TABLE recordings (
    recording_id TEXT PRIMARY KEY,
    call_id TEXT NOT NULL,
    site BIGINT NOT NULL,
    agent TEXT NOT NULL,
    path TEXT NOT NULL,
    started_us BIGINT NOT NULL,
    gaps BIGINT NOT NULL,
    sealed_us BIGINT,
    sha256 TEXT,
    bytes BIGINT,
    frames BIGINT,
    recovered BIGINT NOT NULL
);
CREATE INDEX recordings_by_time ON recordings (started_us, recording_id);
CREATE INDEX recordings_of_call ON recordings (call_id);
CREATE INDEX recordings_of_agent ON recordings (agent, started_us, recording_id);

-- Where phones are, as the newest facts tell.
CREATE TABLE registrations (
    site BIGINT NOT NULL,
    aor TEXT NOT NULL,
    contact TEXT NOT NULL,
    path TEXT NOT NULL,
    flow TEXT NOT NULL,
    sip_call_id TEXT NOT NULL,
    cseq BIGINT NOT NULL,
    expires_us BIGINT NOT NULL,
    PRIMARY KEY (site, aor, contact)
);

-- What agents were last, as the newest facts tell. `status` is JSON.
CREATE TABLE agent_statuses (
    agent TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    state TEXT NOT NULL,
    call_id TEXT,
    changed_us BIGINT NOT NULL
);

-- Who may sign in, on the web and by phone. `queues` is a JSON list.
CREATE TABLE accounts (
    user_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    tier BIGINT,
    password_hash TEXT NOT NULL,
    ha1_md5 TEXT,
    ha1_sha256 TEXT,
    digest TEXT NOT NULL,
    ready_when_registered BIGINT NOT NULL,
    queues TEXT NOT NULL,
    enabled BIGINT NOT NULL
);

-- Who is signed in on the web; only a hash of the token is kept.
CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES accounts (user_id) ON DELETE CASCADE,
    opened_us BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Who is insured. `source` is generated, imported or sample.
CREATE TABLE customers (
    customer_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    phone_key TEXT NOT NULL,
    identity_number TEXT NOT NULL UNIQUE,
    class TEXT NOT NULL,
    city TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX customers_by_phone ON customers (phone_key);

-- What they are insured for.
CREATE TABLE policies (
    policy_number TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (customer_id) ON DELETE CASCADE,
    product TEXT NOT NULL,
    plate TEXT NOT NULL,
    vehicle TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    surrendered_on TEXT,
    premium_fen BIGINT NOT NULL
);
CREATE INDEX policies_of_customer ON policies (customer_id, starts_on);

-- What they claimed.
CREATE TABLE claims (
    claim_number TEXT PRIMARY KEY,
    policy_number TEXT NOT NULL REFERENCES policies (policy_number) ON DELETE CASCADE,
    lost_on TEXT NOT NULL,
    status TEXT NOT NULL,
    paid_fen BIGINT NOT NULL
);
CREATE INDEX claims_of_policy ON claims (policy_number, lost_on);
