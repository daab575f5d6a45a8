-- +goose Up

-- Workers that are alive: what a connection may do is shared among them.
CREATE TABLE workers (
    id      uuid PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON workers TO parley_app;

-- +goose Down
DROP TABLE workers;
