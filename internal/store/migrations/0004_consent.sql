-- +goose Up

-- Since when the customer wants no messages at the conversation's address; null
-- while they may be written to.
ALTER TABLE conversations ADD COLUMN opted_out_at timestamptz;

-- +goose Down
ALTER TABLE conversations DROP COLUMN opted_out_at;
