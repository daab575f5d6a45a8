-- +goose Up

-- People are looked for through those merged into them.
CREATE INDEX contacts_merged ON contacts (workspace_id, merged_into) WHERE merged_into IS NOT NULL;

-- Cases are woken by the sweeper with growing pauses, as conversations are: one
-- that cannot be told its news must not take the place of those that can.
ALTER TABLE cases ADD COLUMN nudged_at timestamptz;
DROP FUNCTION undispatched_cases(interval, int);
-- +goose StatementBegin
CREATE FUNCTION undispatched_cases(min_age interval, pause interval, most int)
    RETURNS TABLE (workspace_id uuid, id uuid, workflow_id text, dispatched bigint, last_number bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ UPDATE cases c SET nudged_at = now() FROM (
           SELECT u.workspace_id, u.id FROM cases u
           WHERE u.last_number > u.dispatched AND u.updated_at < now() - min_age
             AND (u.nudged_at IS NULL OR u.nudged_at < u.updated_at
                  OR u.nudged_at < now() - greatest(pause, least(u.nudged_at - u.updated_at, interval '10 minutes')))
           ORDER BY u.updated_at LIMIT most FOR UPDATE SKIP LOCKED) due
       WHERE c.workspace_id = due.workspace_id AND c.id = due.id
       RETURNING c.workspace_id, c.id, c.workflow_id, c.dispatched, c.last_number $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION undispatched_cases(interval, interval, int);
-- +goose StatementBegin
CREATE FUNCTION undispatched_cases(min_age interval, most int)
    RETURNS TABLE (workspace_id uuid, id uuid, workflow_id text, dispatched bigint, last_number bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ SELECT c.workspace_id, c.id, c.workflow_id, c.dispatched, c.last_number FROM cases c
       WHERE c.last_number > c.dispatched AND c.updated_at < now() - min_age ORDER BY c.updated_at LIMIT most $$;
-- +goose StatementEnd
ALTER TABLE cases DROP COLUMN nudged_at;
DROP INDEX contacts_merged;
