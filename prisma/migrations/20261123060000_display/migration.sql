-- What guests show pictures on. Those that are there already have nothing of the kind.
ALTER TABLE "guests" ADD COLUMN "display" TEXT NOT NULL DEFAULT 'none';
ALTER TABLE "guests" ALTER COLUMN "display" DROP DEFAULT;
ALTER TABLE "snapshots" ADD COLUMN "display" TEXT NOT NULL DEFAULT 'none';
ALTER TABLE "snapshots" ALTER COLUMN "display" DROP DEFAULT;
UPDATE "row_versions" SET "row" = "row" || '{"display": "none"}' WHERE "kind" = 'guest';
