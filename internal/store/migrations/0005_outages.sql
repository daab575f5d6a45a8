-- +goose Up

-- A time in which a connection's provider is left alone: because it does not
-- work, or because an operator wants it so. opened_at to resumed_at is the
-- outage; until drained_at, what waited for its end is let go on, one by one.
CREATE TABLE outages (
    workspace_id  uuid NOT NULL,
    id            uuid NOT NULL,
    connection_id uuid NOT NULL,
    cause         text NOT NULL CHECK (cause IN ('circuit', 'operator')),
    opened_at     timestamptz NOT NULL,
    resumed_at    timestamptz,
    drained_at    timestamptz,
    drain_rate    double precision NOT NULL CHECK (drain_rate > 0),  -- effects a second, unless the connection has its own
    probe_at      timestamptz,            -- of a circuit: when one effect is let through to try
    probes        int NOT NULL DEFAULT 0,
    drained_to    timestamptz,            -- until when the drain's time is used up
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY (workspace_id, connection_id) REFERENCES connections ON DELETE CASCADE
);
CREATE UNIQUE INDEX outages_current ON outages (workspace_id, connection_id) WHERE drained_at IS NULL;
CREATE INDEX outages_newest ON outages (workspace_id, connection_id, opened_at);

-- Effects of the ledger that met an outage and wait for its end.
CREATE TABLE outage_effects (
    workspace_id uuid NOT NULL,
    outage_id    uuid NOT NULL,
    key          text NOT NULL,
    parked_at    timestamptz NOT NULL,
    released_at  timestamptz,             -- when it was let go on
    told_at      timestamptz,             -- when its workflow was told so
    PRIMARY KEY (workspace_id, outage_id, key),
    FOREIGN KEY (workspace_id, outage_id) REFERENCES outages ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, key) REFERENCES effects ON DELETE CASCADE
);
CREATE INDEX outage_effects_waiting ON outage_effects (workspace_id, outage_id, parked_at) WHERE told_at IS NULL;

-- How fast a connection drains, in effects a second; a share of the provider's
-- limit if not set.
ALTER TABLE connections ADD COLUMN drain_rate double precision CHECK (drain_rate > 0);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['outages', 'outage_effects'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY workspace ON %I USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', t);
    END LOOP;
END $$;

-- Outages of all workspaces for which something is to be done.
CREATE FUNCTION current_outages() RETURNS TABLE (workspace_id uuid, id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT o.workspace_id, o.id FROM outages o WHERE o.drained_at IS NULL $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION current_outages;
ALTER TABLE connections DROP COLUMN drain_rate;
DROP TABLE outage_effects, outages;
