-- +goose Up
-- Wrapped data keys live in a database of their own, so that neither the main
-- database nor its backups can give a key back after it has been destroyed.
CREATE TABLE data_keys (
    id           uuid PRIMARY KEY,
    workspace_id uuid NOT NULL,  -- the zero UUID: the installation itself
    contact_id   uuid NOT NULL,  -- the zero UUID: the workspace's own key
    purpose      text NOT NULL,
    wrapped      bytea,          -- NULL once destroyed
    created_at   timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz
);
-- One living key for each person and purpose; a destroyed one leaves its tombstone.
CREATE UNIQUE INDEX data_keys_living ON data_keys (workspace_id, contact_id, purpose) WHERE destroyed_at IS NULL;

-- +goose Down
DROP TABLE data_keys;
