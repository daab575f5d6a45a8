-- +goose Up

-- Messages that a provider approves before they may be sent unasked, as it has them
-- now. Nothing in here belongs to a person.
CREATE TABLE templates (
    workspace_id  uuid NOT NULL,
    connection_id uuid NOT NULL,
    name          text NOT NULL,
    language      text NOT NULL,
    provider_id   text NOT NULL DEFAULT '',
    category      text NOT NULL DEFAULT '',
    status        text NOT NULL CHECK (status IN ('submitting', 'pending', 'approved', 'rejected', 'paused', 'disabled', 'deleted')),
    reason        text NOT NULL DEFAULT '',
    draft         jsonb,                   -- as it was submitted here; null if it was made elsewhere
    attempt       int NOT NULL DEFAULT 0,  -- how often it was submitted from here
    changed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, connection_id, name, language),
    FOREIGN KEY (workspace_id, connection_id) REFERENCES connections ON DELETE CASCADE
);
ALTER TABLE templates ENABLE ROW LEVEL SECURITY;
CREATE POLICY workspace ON templates USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace());
GRANT SELECT, INSERT, UPDATE, DELETE ON templates TO parley_app;

-- +goose Down
DROP TABLE templates;
