-- What fails as one with others: a rack, a switch, a room.
ALTER TABLE "hosts" ADD COLUMN "failureDomain" TEXT;

-- How a pool keeps room for failures, and hosts that are kept for nothing else.
ALTER TABLE "hosts" ADD COLUMN "failoverOnly" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "hosts" ALTER COLUMN "failoverOnly" DROP DEFAULT;
UPDATE "pools" SET "failure" = '{"admission": "host-failures", "reservedCpuShare": 0.25, "reservedMemoryShare": 0.25}'::jsonb || "failure";
