-- +goose Up

-- Which version of a flow a stage runs: the newest row. Rows are only added, so
-- this is also the history; of two who change a stage at once, the number lets
-- one through.
CREATE TABLE flow_stages (
    workspace_id uuid NOT NULL,
    name         text NOT NULL,
    stage        text NOT NULL CHECK (stage IN ('staging', 'live')),
    number       bigint NOT NULL,
    hash         text NOT NULL,
    beneath      bigint,                  -- the number that a rollback goes back to
    back         boolean NOT NULL DEFAULT false,  -- it is a rollback
    actor        text NOT NULL,
    approver     text NOT NULL DEFAULT '',
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (workspace_id, name, stage, number),
    FOREIGN KEY (workspace_id, name, hash) REFERENCES flows
);
INSERT INTO flow_stages (workspace_id, name, stage, number, hash, beneath, actor, at)
    SELECT workspace_id, name, 'live', n, hash, nullif(n - 1, 0), 'migration', published_at
    FROM (SELECT *, row_number() OVER (PARTITION BY workspace_id, name ORDER BY published_at, hash) AS n
          FROM flows WHERE published_at IS NOT NULL) f;

-- A version that waits for a second person before it is live: one for each flow.
CREATE TABLE flow_proposals (
    workspace_id uuid NOT NULL,
    name         text NOT NULL,
    hash         text NOT NULL,
    above        bigint NOT NULL,         -- the number of what was live when it was proposed; 0 for nothing
    actor        text NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name),
    FOREIGN KEY (workspace_id, name, hash) REFERENCES flows
);

-- What a workspace asks of those who publish.
CREATE TABLE flow_rules (
    workspace_id uuid PRIMARY KEY REFERENCES workspaces,
    approval     boolean NOT NULL         -- a second person approves what goes live
);

-- The stage whose versions answer on a connection.
ALTER TABLE connections ADD COLUMN stage text NOT NULL DEFAULT 'live' CHECK (stage IN ('staging', 'live'));

-- Where the flow stood after the turn: a block, nothing where none was under way.
ALTER TABLE turns ADD COLUMN stood text NOT NULL DEFAULT '';
-- Statistics read turns by time; rows are written in its order, so that a range
-- index is enough, which costs a turn nothing but one entry for 128 pages.
CREATE INDEX turns_newest ON turns USING brin (created_at);

-- Conversations that were taken from one version of a flow to another.
CREATE TABLE flow_migrations (
    workspace_id uuid NOT NULL,
    id           uuid NOT NULL,
    name         text NOT NULL,
    from_hash    text NOT NULL,
    to_hash      text NOT NULL,
    mapping      text NOT NULL,           -- as it was given: the author's words
    actor        text NOT NULL,
    state        text NOT NULL DEFAULT 'moving' CHECK (state IN ('moving', 'done', 'undone')),
    after        uuid,                    -- the last conversation that was looked at
    moved        bigint NOT NULL DEFAULT 0,
    stayed       bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, name, from_hash) REFERENCES flows,
    FOREIGN KEY (workspace_id, name, to_hash) REFERENCES flows
);
CREATE TABLE flow_migration_moves (
    workspace_id    uuid NOT NULL,
    migration_id    uuid NOT NULL,
    conversation_id uuid NOT NULL,
    cursor          bigint NOT NULL,      -- with version: where the conversation was left
    version         bigint NOT NULL,
    former          bytea NOT NULL,       -- sealed, conversation key: the state before
    undone_at       timestamptz,
    PRIMARY KEY (workspace_id, migration_id, conversation_id),
    FOREIGN KEY (workspace_id, migration_id) REFERENCES flow_migrations
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['flow_stages', 'flow_proposals', 'flow_rules', 'flow_migrations', 'flow_migration_moves'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY workspace ON %I USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
REVOKE UPDATE, DELETE ON flow_stages FROM parley_app;

-- +goose Down
DROP TABLE flow_migration_moves, flow_migrations, flow_rules, flow_proposals, flow_stages;
DROP INDEX turns_newest;
ALTER TABLE turns DROP COLUMN stood;
ALTER TABLE connections DROP COLUMN stage;
