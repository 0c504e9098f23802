-- Hosts that are not needed are emptied and switched off where the pool wants it.
ALTER TABLE "pools" ADD COLUMN "power" JSONB NOT NULL
  DEFAULT '{"automation": "off", "offShare": 0.6, "onShare": 0.8, "lowForMs": 600000}';
ALTER TABLE "pools" ALTER COLUMN "power" DROP DEFAULT;
ALTER TABLE "hosts" ADD COLUMN "standby" TEXT NOT NULL DEFAULT 'none';
ALTER TABLE "hosts" ALTER COLUMN "standby" DROP DEFAULT;
