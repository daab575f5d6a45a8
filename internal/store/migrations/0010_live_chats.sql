-- +goose Up
-- The live chat at a provider that has the conversation: names of effects, of a
-- connector and of a queue, nothing personal. Null while there is none.
ALTER TABLE conversations ADD COLUMN live_chat jsonb;

-- +goose Down
ALTER TABLE conversations DROP COLUMN live_chat;
