-- +goose Up

-- The configuration before the present one verifies webhooks until then: providers
-- sign what they send again with the secret of its first attempt.
ALTER TABLE connections
    ADD COLUMN former_config bytea,       -- sealed, workspace key
    ADD COLUMN former_until  timestamptz;
CREATE INDEX connections_former ON connections (former_until) WHERE former_until IS NOT NULL;

-- What is done for a connection from time to time. A worker leases a row; what it
-- writes afterwards counts only while the lease is its own.
CREATE TABLE connection_chores (
    workspace_id  uuid NOT NULL,
    connection_id uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('subscribe', 'poll')),
    due_at        timestamptz NOT NULL DEFAULT now(),
    leased_until  timestamptz,
    applies       boolean,                -- whether the connector does this at all; unknown before the first run
    cursor        bytea,                  -- sealed, workspace key: where a poll goes on
    failures      int NOT NULL DEFAULT 0, -- in a row
    done_at       timestamptz,            -- the last success
    tried_at      timestamptz,
    error_class   text NOT NULL DEFAULT '',
    error_code    text NOT NULL DEFAULT '',
    error         text NOT NULL DEFAULT '',  -- for operators; holds nothing personal
    PRIMARY KEY (workspace_id, connection_id, kind),
    FOREIGN KEY (workspace_id, connection_id) REFERENCES connections ON DELETE CASCADE
);
CREATE INDEX connection_chores_due ON connection_chores (due_at);
INSERT INTO connection_chores (workspace_id, connection_id, kind)
    SELECT workspace_id, id, kind FROM connections, unnest(ARRAY['subscribe', 'poll']) kind;

CREATE TABLE oauth_tokens (
    workspace_id  uuid NOT NULL,
    connection_id uuid NOT NULL,
    tokens        bytea,                  -- sealed, workspace key
    expires_at    timestamptz,            -- of the access token; null if it does not expire
    refused       text NOT NULL DEFAULT '',   -- why a person must authorise anew: the server's error code
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, connection_id),
    FOREIGN KEY (workspace_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

-- An authorisation that a person has begun: used once, and not for long.
CREATE TABLE oauth_states (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    connection_id uuid NOT NULL,
    verifier      bytea NOT NULL,         -- sealed, workspace key: PKCE's secret
    actor         text NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, connection_id) REFERENCES connections ON DELETE CASCADE
);

-- in_doubt: an attempt may have been carried out, as far as is known now;
-- was_uncertain says that of any time.
ALTER TABLE effects
    ADD COLUMN in_doubt      boolean NOT NULL DEFAULT false,
    ADD COLUMN reconciled_by text NOT NULL DEFAULT '',  -- operator or provider; empty if it settled by itself
    ADD COLUMN note          bytea;                     -- sealed, workspace key: what the operator remarked
UPDATE effects SET in_doubt = true WHERE was_uncertain AND state NOT IN ('done', 'failed');

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['connection_chores', 'oauth_tokens', 'oauth_states'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY workspace ON %I USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', t);
    END LOOP;
END $$;

-- Leases what is due, of all workspaces, to the caller.
CREATE FUNCTION due_chores(lease interval, most int)
    RETURNS TABLE (workspace_id uuid, connection_id uuid, kind text, leased_until timestamptz)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ UPDATE connection_chores c SET leased_until = now() + lease FROM (
           SELECT d.workspace_id, d.connection_id, d.kind FROM connection_chores d
           WHERE d.due_at <= now() AND (d.leased_until IS NULL OR d.leased_until < now())
           ORDER BY d.due_at LIMIT most FOR UPDATE SKIP LOCKED) due
       WHERE c.workspace_id = due.workspace_id AND c.connection_id = due.connection_id AND c.kind = due.kind
       RETURNING c.workspace_id, c.connection_id, c.kind, c.leased_until $$;

-- Forgets what credentials leave behind when their time is over.
CREATE FUNCTION forget_credentials() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ UPDATE connections SET former_config = NULL, former_until = NULL WHERE former_until < now();
       DELETE FROM oauth_states WHERE expires_at < now(); $$;

-- How many chores of each kind fail, by connector, for metrics.
CREATE FUNCTION failing_chores() RETURNS TABLE (connector text, kind text, failing bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT k.connector, c.kind, count(*) FROM connection_chores c
       JOIN connections k ON k.workspace_id = c.workspace_id AND k.id = c.connection_id
       WHERE c.failures > 0 GROUP BY k.connector, c.kind $$;

-- Effects whose outcome is not known although every attempt is over.
CREATE FUNCTION doubtful_effects(min_age interval, max_age interval, most int)
    RETURNS TABLE (workspace_id uuid, key text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT e.workspace_id, e.key FROM effects e
       WHERE e.state = 'uncertain' AND e.operation <> 'send'
         AND e.attempted_at < now() - min_age AND e.attempted_at > now() - max_age
       ORDER BY e.attempted_at LIMIT most $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION due_chores, forget_credentials, failing_chores, doubtful_effects;
ALTER TABLE effects DROP COLUMN in_doubt, DROP COLUMN reconciled_by, DROP COLUMN note;
DROP TABLE oauth_states, oauth_tokens, connection_chores;
ALTER TABLE connections DROP COLUMN former_config, DROP COLUMN former_until;
