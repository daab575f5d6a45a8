-- +goose Up

-- Roles drop to parley_app before they touch a row, so that row-level security
-- applies to them; the owner of the tables only migrates.
-- +goose StatementBegin
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parley_app') THEN
        CREATE ROLE parley_app NOLOGIN;
    END IF;
END $$;
-- +goose StatementEnd
GRANT parley_app TO CURRENT_USER;

-- The workspace that the transaction works for; no rows are visible without one.
-- +goose StatementBegin
CREATE FUNCTION current_workspace() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('parley.workspace', true), '')::uuid $$;
-- +goose StatementEnd

CREATE TABLE workspaces (
    id         uuid PRIMARY KEY,
    slug       text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id           uuid NOT NULL,
    name         text NOT NULL,
    hash         bytea NOT NULL UNIQUE,  -- SHA-256 of a key with 256 bits of randomness
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    revoked_at   timestamptz,
    PRIMARY KEY (workspace_id, id)
);

CREATE TABLE connections (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id           uuid NOT NULL,
    name         text NOT NULL,
    connector    text NOT NULL,
    account      text NOT NULL,
    config       bytea NOT NULL,          -- sealed, workspace key
    version      bigint NOT NULL DEFAULT 1,
    flow         text,                    -- the flow that answers here, for channels
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
);

-- Where a webhook belongs, before any workspace is known: identifiers only.
-- account is the one in the webhook's path, or the provider's own ID of a number
-- or page, which is then stored as a hash.
CREATE TABLE endpoints (
    connector     text NOT NULL,
    account       text NOT NULL,
    workspace_id  uuid NOT NULL,
    connection_id uuid NOT NULL,
    PRIMARY KEY (connector, account),
    FOREIGN KEY (workspace_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

CREATE TABLE flows (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    name         text NOT NULL,
    hash         text NOT NULL,
    document     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,             -- the newest published version is live
    PRIMARY KEY (workspace_id, name, hash)
);

CREATE TABLE contacts (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    id           uuid NOT NULL,
    merged_into  uuid,
    profile      bytea,                   -- sealed, profile key: name, attributes
    language     text NOT NULL DEFAULT '',
    blocked      boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id)
);

-- All identifiers of a contact. scope is the connection for identifiers that
-- mean something only there, the zero UUID for phone numbers.
CREATE TABLE contact_addresses (
    workspace_id uuid NOT NULL,
    kind         text NOT NULL,
    scope        uuid NOT NULL,
    index        bytea NOT NULL,          -- blind index of the value
    contact_id   uuid NOT NULL,
    value        bytea NOT NULL,          -- sealed, profile key
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, kind, scope, index),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts
);
CREATE INDEX contact_addresses_contact ON contact_addresses (workspace_id, contact_id);

CREATE TABLE conversations (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    contact_id    uuid NOT NULL,
    connection_id uuid NOT NULL,
    connector     text NOT NULL,
    workflow_id   text NOT NULL,
    address       bytea NOT NULL,         -- sealed: where answers go
    address_index bytea NOT NULL,
    last_number   bigint NOT NULL DEFAULT 0,  -- the newest event
    cursor        bigint NOT NULL DEFAULT 0,  -- the newest event that a turn has taken
    shown         bigint NOT NULL DEFAULT 0,  -- the newest message, either way, as a history shows them
    pending_turn  bigint,                 -- the turn whose sends are not all settled
    flow          text NOT NULL DEFAULT '',
    flow_hash     text NOT NULL DEFAULT '',
    state         bytea,                  -- sealed, conversation key: flow.State
    calls         bytea,                  -- sealed: effects whose results are awaited
    owner_kind    text NOT NULL DEFAULT 'bot' CHECK (owner_kind IN ('bot', 'human', 'case')),
    owner_id      text NOT NULL DEFAULT '',
    owner_version bigint NOT NULL DEFAULT 0,
    queue         text NOT NULL DEFAULT '',
    queued_at     timestamptz,
    inbound_at    timestamptz,            -- the customer's last message: the window
    event_at      timestamptz,            -- the newest event of any kind
    session_at    timestamptz,            -- when the current session began
    nudged_at     timestamptz,            -- when the sweeper last woke it
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX conversations_address ON conversations (workspace_id, connection_id, address_index);
CREATE INDEX conversations_contact ON conversations (workspace_id, contact_id);
CREATE INDEX conversations_queue ON conversations (workspace_id, queue, queued_at) WHERE queue <> '';
-- What the sweeper looks for.
CREATE INDEX conversations_unanswered ON conversations (event_at) WHERE last_number > cursor;

CREATE TABLE cases (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    kind            text NOT NULL,
    number          bigint NOT NULL,      -- what people call it by: "order 1042"
    contact_id      uuid NOT NULL,
    conversation_id uuid NOT NULL,
    connection_id   uuid NOT NULL,        -- the channel it was started on
    workflow_id     text NOT NULL,
    input           bytea NOT NULL,       -- sealed, case key
    stage           text NOT NULL,
    waiting_for     text NOT NULL DEFAULT '',
    outcome         text NOT NULL DEFAULT '',
    summary         bytea,                -- sealed: what the customer may be told
    open            boolean NOT NULL DEFAULT true,
    last_number     bigint NOT NULL DEFAULT 0,
    dispatched      bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, kind, number),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts
) WITH (fillfactor = 80);
CREATE INDEX cases_contact ON cases (workspace_id, contact_id);
CREATE INDEX cases_undispatched ON cases (updated_at) WHERE last_number > dispatched;

CREATE TABLE case_numbers (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    kind         text NOT NULL,
    last         bigint NOT NULL,
    PRIMARY KEY (workspace_id, kind)
);

-- The inbox: what came in for a conversation or a case, numbered within it.
CREATE TABLE inbox (
    workspace_id uuid NOT NULL,
    subject_id   uuid NOT NULL,
    number       bigint NOT NULL,
    kind         text NOT NULL,
    seq          bigint,                  -- of a customer's message: its place in the history
    body         bytea NOT NULL,          -- sealed, the subject's key
    trace        text NOT NULL DEFAULT '',
    received_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, subject_id, number)
);

-- What was received before, kept for 30 days. The event's ID is hashed with a
-- key: providers put phone numbers into theirs.
CREATE TABLE inbox_seen (
    workspace_id uuid NOT NULL,
    event        bytea NOT NULL,
    seen_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, event)
) PARTITION BY HASH (workspace_id, event);
-- +goose StatementBegin
DO $$ BEGIN
    FOR i IN 0..15 LOOP
        EXECUTE format('CREATE TABLE inbox_seen_%s PARTITION OF inbox_seen FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i);
        EXECUTE format('CREATE INDEX ON inbox_seen_%s USING brin (seen_at)', i);
    END LOOP;
END $$;
-- +goose StatementEnd

-- A turn: everything done in answer to the events from first to last.
CREATE TABLE turns (
    workspace_id    uuid NOT NULL,
    conversation_id uuid NOT NULL,
    first_number    bigint NOT NULL,
    last_number     bigint NOT NULL,
    flow_hash       text NOT NULL DEFAULT '',
    entered         text[],               -- blocks entered, for statistics
    missed          boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, conversation_id, first_number)
);

-- The ledger: every effect on the outside world.
CREATE TABLE effects (
    workspace_id  uuid NOT NULL,
    key           text NOT NULL,
    subject_id    uuid NOT NULL,          -- the conversation or case
    workflow_id   text NOT NULL,
    connection_id uuid NOT NULL,
    connector     text NOT NULL,
    operation     text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('read', 'keyed', 'lookup', 'once')),
    state         text NOT NULL CHECK (state IN ('planned', 'attempting', 'done', 'not_sent', 'uncertain', 'failed')),
    attempt       int NOT NULL DEFAULT 0,
    turn          bigint,                 -- of a conversation: its first number
    idx           int NOT NULL DEFAULT 0,
    seq           bigint,                 -- of a message: its place in the history
    author        text NOT NULL DEFAULT '',  -- of a message: bot, agent or case
    request       bytea,                  -- sealed, the subject's key
    receipt       bytea,                  -- sealed: what the provider answered
    ref_index     bytea,                  -- blind index of the provider's ID
    delivery      text NOT NULL DEFAULT '',  -- of a message: sent, delivered, read, failed
    error_class   text NOT NULL DEFAULT '',
    error_code    text NOT NULL DEFAULT '',
    was_uncertain boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now(),
    first_attempt_at timestamptz,
    attempted_at  timestamptz,
    settled_at    timestamptz,
    PRIMARY KEY (workspace_id, key)
) WITH (fillfactor = 80);
CREATE INDEX effects_subject ON effects (workspace_id, subject_id, turn);
CREATE INDEX effects_ref ON effects (workspace_id, ref_index) WHERE ref_index IS NOT NULL;
CREATE INDEX effects_newest ON effects (workspace_id, created_at);
CREATE INDEX effects_uncertain ON effects (workspace_id, attempted_at) WHERE state = 'uncertain';

-- Provider events that belong to no effect or case we know yet.
CREATE TABLE parked_events (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    connection_id uuid NOT NULL,
    name          text NOT NULL,
    refs          bytea[] NOT NULL,       -- blind indexes of the provider's IDs
    body          bytea NOT NULL,         -- sealed, workspace key
    received_at   timestamptz NOT NULL DEFAULT now(),
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'joined', 'expired')),
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX parked_events_waiting ON parked_events (workspace_id, received_at) WHERE state = 'waiting';
CREATE INDEX parked_events_refs ON parked_events USING gin (refs) WHERE state = 'waiting';

-- What the engine says happened: identifiers, numbers and names only. Readers go
-- through it by (xid, seq): numbers are drawn before their transactions commit,
-- so seq alone would let a reader pass by an event that is not visible yet. After
-- a logical restore into another cluster, whose transactions count anew, set xid
-- to 0 everywhere and let readers begin again.
CREATE TABLE events (
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id uuid NOT NULL,
    xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
    type         text NOT NULL,
    subject      text NOT NULL,
    data         jsonb,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, xid, seq)
);

CREATE TABLE audit (
    seq          bigint GENERATED ALWAYS AS IDENTITY,
    workspace_id uuid NOT NULL,
    actor        text NOT NULL,
    action       text NOT NULL,
    object       text NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, seq)
);

-- Row-level security on everything that belongs to a workspace.
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_keys', 'connections', 'flows', 'contacts', 'contact_addresses', 'conversations',
        'cases', 'case_numbers', 'inbox', 'inbox_seen', 'turns', 'effects', 'parked_events', 'events', 'audit'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY workspace ON %I USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
REVOKE UPDATE, DELETE ON audit, events FROM parley_app;
GRANT SELECT, INSERT ON workspaces TO parley_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON endpoints TO parley_app;

-- The few questions that are asked before a workspace is known, or of all of
-- them. They run with the owner's rights and give identifiers only.
-- +goose StatementBegin
CREATE FUNCTION authenticate_key(digest bytea) RETURNS TABLE (workspace_id uuid, id uuid, scopes text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT k.workspace_id, k.id, k.scopes FROM api_keys k WHERE k.hash = digest AND k.revoked_at IS NULL $$;

-- Conversations with events that no turn has taken although the newest is older
-- than min_age, and that were not woken since the pause: it grows with how long
-- the event has been waiting.
CREATE FUNCTION unanswered_conversations(min_age interval, pause interval, most int)
    RETURNS TABLE (workspace_id uuid, id uuid, workflow_id text, connector text, last_number bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ UPDATE conversations c SET nudged_at = now() FROM (
           SELECT u.workspace_id, u.id FROM conversations u
           WHERE u.last_number > u.cursor AND u.event_at < now() - min_age
             AND (u.nudged_at IS NULL OR u.nudged_at < u.event_at
                  OR u.nudged_at < now() - greatest(pause, least(u.nudged_at - u.event_at, interval '10 minutes')))
           ORDER BY u.event_at LIMIT most FOR UPDATE SKIP LOCKED) due
       WHERE c.workspace_id = due.workspace_id AND c.id = due.id
       RETURNING c.workspace_id, c.id, c.workflow_id, c.connector, c.last_number $$;

CREATE FUNCTION undispatched_cases(min_age interval, most int)
    RETURNS TABLE (workspace_id uuid, id uuid, workflow_id text, dispatched bigint, last_number bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT c.workspace_id, c.id, c.workflow_id, c.dispatched, c.last_number FROM cases c
       WHERE c.last_number > c.dispatched AND c.updated_at < now() - min_age ORDER BY c.updated_at LIMIT most $$;

CREATE FUNCTION all_workspaces() RETURNS TABLE (id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT w.id FROM workspaces w $$;

-- Forgets received event IDs that are older than the time kept.
CREATE FUNCTION forget_seen(kept interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ DECLARE n bigint; BEGIN
           DELETE FROM inbox_seen WHERE seen_at < now() - kept;
           GET DIAGNOSTICS n = ROW_COUNT;
           RETURN n;
       END $$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE audit, events, parked_events, effects, turns, inbox_seen, inbox, case_numbers, cases, conversations,
    contact_addresses, contacts, flows, endpoints, connections, api_keys, workspaces;
DROP FUNCTION authenticate_key, unanswered_conversations, undispatched_cases, all_workspaces, forget_seen, current_workspace;
