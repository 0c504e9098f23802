-- Restart order, budgets and quarantine; when a guest counts as recovered; hosts that are ailing.
ALTER TABLE "hosts" ADD COLUMN "degraded" JSONB,
    ADD COLUMN "quarantined" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "failures" JSONB NOT NULL DEFAULT '[]';
ALTER TABLE "hosts" ALTER COLUMN "quarantined" DROP DEFAULT, ALTER COLUMN "failures" DROP DEFAULT;
ALTER TABLE "guests" ADD COLUMN "restarts" JSONB NOT NULL DEFAULT '[]',
    ADD COLUMN "lostAt" BIGINT,
    ADD COLUMN "probe" JSONB;
ALTER TABLE "guests" ALTER COLUMN "restarts" DROP DEFAULT;
UPDATE "pools" SET "failure" = '{"restartReady": "placed", "restartWaitMs": 60000, "guestRestarts": 20, "poolRestarts": 1000, "hostFailures": 3, "budgetWindowMs": 3600000}'::jsonb || "failure";
