-- +goose Up
-- When a conversation must be looked at although nothing new has come: its flow's
-- wait ends, or a call ought to have answered. Its workflow does so by itself; the
-- sweeper does where the workflow was lost.
ALTER TABLE conversations ADD COLUMN due_at timestamptz;
CREATE INDEX conversations_due ON conversations (due_at) WHERE due_at IS NOT NULL;
DROP INDEX conversations_unanswered;
CREATE INDEX conversations_unfinished ON conversations (event_at) WHERE last_number > cursor OR pending_turn IS NOT NULL;

DROP FUNCTION unanswered_conversations;
-- Conversations that nobody works on as it seems, and that were not woken since
-- the pause, which grows with how long they have been waiting: those with events
-- that no turn has taken although the newest is older than min_age, and those
-- with unsettled sends, an ended wait or an unanswered call, overdue. The number
-- is that of the newest event, 0 where there is nothing new.
-- +goose StatementBegin
CREATE FUNCTION unfinished_conversations(min_age interval, overdue interval, pause interval, most int)
    RETURNS TABLE (workspace_id uuid, id uuid, workflow_id text, connector text, last_number bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ UPDATE conversations c SET nudged_at = now() FROM (
           SELECT u.workspace_id, u.id FROM (
               (SELECT v.workspace_id, v.id, v.nudged_at, v.event_at AS since FROM conversations v
                WHERE (v.last_number > v.cursor OR v.pending_turn IS NOT NULL)
                  AND v.event_at < now() - CASE WHEN v.last_number > v.cursor THEN min_age ELSE overdue END
                  AND (v.nudged_at IS NULL OR v.nudged_at < v.event_at
                       OR v.nudged_at < now() - greatest(pause, least(v.nudged_at - v.event_at, interval '10 minutes')))
                ORDER BY v.event_at LIMIT most)
               UNION ALL
               (SELECT v.workspace_id, v.id, v.nudged_at, v.due_at FROM conversations v
                WHERE v.due_at < now() - overdue
                  AND (v.nudged_at IS NULL OR v.nudged_at < v.due_at
                       OR v.nudged_at < now() - greatest(pause, least(v.nudged_at - v.due_at, interval '10 minutes')))
                ORDER BY v.due_at LIMIT most)) u
           JOIN conversations l ON l.workspace_id = u.workspace_id AND l.id = u.id
           ORDER BY u.since LIMIT most FOR UPDATE OF l SKIP LOCKED) due
       WHERE c.workspace_id = due.workspace_id AND c.id = due.id
       RETURNING c.workspace_id, c.id, c.workflow_id, c.connector, CASE WHEN c.last_number > c.cursor THEN c.last_number ELSE 0 END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION unfinished_conversations;
DROP INDEX conversations_unfinished, conversations_due;
ALTER TABLE conversations DROP COLUMN due_at;
CREATE INDEX conversations_unanswered ON conversations (event_at) WHERE last_number > cursor;
-- +goose StatementBegin
CREATE FUNCTION unanswered_conversations(min_age interval, pause interval, most int)
    RETURNS TABLE (workspace_id uuid, id uuid, workflow_id text, connector text, last_number bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS
    $$ UPDATE conversations c SET nudged_at = now() FROM (
           SELECT u.workspace_id, u.id FROM conversations u
           WHERE u.last_number > u.cursor AND u.event_at < now() - min_age
             AND (u.nudged_at IS NULL OR u.nudged_at < u.event_at
                  OR u.nudged_at < now() - greatest(pause, least(u.nudged_at - u.event_at, interval '10 minutes')))
           ORDER BY u.event_at LIMIT most FOR UPDATE SKIP LOCKED) due
       WHERE c.workspace_id = due.workspace_id AND c.id = due.id
       RETURNING c.workspace_id, c.id, c.workflow_id, c.connector, c.last_number $$;
-- +goose StatementEnd
