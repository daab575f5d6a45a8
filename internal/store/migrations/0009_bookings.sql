-- +goose Up

-- When appointments can be had, by name.
CREATE TABLE calendars (
    workspace_id uuid NOT NULL REFERENCES workspaces,
    name         text NOT NULL,
    definition   jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, name)
);

-- Appointments. They hold nothing personal: whose one is stands as the contact's
-- ID alone. A place is one of those that a calendar has at once.
CREATE TABLE bookings (
    workspace_id    uuid NOT NULL,
    id              uuid NOT NULL,
    calendar        text NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),
    place           int NOT NULL CHECK (place > 0),
    contact_id      uuid NOT NULL,
    conversation_id uuid NOT NULL,
    state           text NOT NULL DEFAULT 'booked' CHECK (state IN ('booked', 'cancelled')),
    key             text NOT NULL,            -- of the effect that made it
    moved_key       text NOT NULL DEFAULT '', -- of the effect that moved it last
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, key),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts
);
CREATE UNIQUE INDEX bookings_place ON bookings (workspace_id, calendar, starts_at, place) WHERE state = 'booked';
CREATE INDEX bookings_contact ON bookings (workspace_id, contact_id, starts_at);
CREATE INDEX bookings_start ON bookings (workspace_id, starts_at, id);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['calendars', 'bookings'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY workspace ON %I USING (workspace_id = current_workspace()) WITH CHECK (workspace_id = current_workspace())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE bookings, calendars;
