-- Guests that hang are reset where the pool wants it.
UPDATE "pools" SET "failure" = '{"guestMonitoringMs": 0}'::jsonb || "failure";
