-- +goose Up

-- Models that the built-in engine has learnt. The fingerprint names the examples
-- and the version of the classifier, name is the hash of the model's bytes. They
-- hold nothing of customers: examples are the flow author's.
CREATE TABLE nlu_models (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    fingerprint  text NOT NULL,
    name         text NOT NULL,
    model        bytea NOT NULL,
    examples     int NOT NULL,
    train_ms     int NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, fingerprint)
);

-- What customers wrote and flows did not understand, until somebody has looked at
-- it or its time is over.
CREATE TABLE nlu_misses (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,
    number          bigint NOT NULL,         -- of the message, within the conversation
    flow            text NOT NULL,
    flow_hash       text NOT NULL,
    block           text NOT NULL,           -- empty where no flow was under way
    language        text NOT NULL,
    guess           text NOT NULL,           -- the intent that came nearest
    confidence      real NOT NULL,
    utterance       bytea NOT NULL,          -- sealed, conversation key
    missed_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, conversation_id, number),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
);
CREATE INDEX nlu_misses_flow ON nlu_misses (workspace_id, flow, id);
CREATE INDEX nlu_misses_age ON nlu_misses (missed_at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['nlu_models', 'nlu_misses'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY workspace ON %I USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', t);
    END LOOP;
END $$;

-- Forgets misses that are older than the time kept.
CREATE FUNCTION forget_misses(kept interval) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ DECLARE n bigint; BEGIN
           DELETE FROM nlu_misses WHERE missed_at < now() - kept;
           GET DIAGNOSTICS n = ROW_COUNT;
           RETURN n;
       END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION forget_misses;
DROP TABLE nlu_misses, nlu_models;
