-- Guests that are made from others' disks, and templates.
ALTER TABLE "guests" ADD COLUMN "isTemplate" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "guests" ALTER COLUMN "isTemplate" DROP DEFAULT;
ALTER TABLE "guests" ADD COLUMN "clonedFrom" TEXT;
ALTER TABLE "guests" ADD COLUMN "basePaths" JSONB NOT NULL DEFAULT '[]';
ALTER TABLE "guests" ALTER COLUMN "basePaths" DROP DEFAULT;

UPDATE "disk_operations" SET "work" = "work" || '{"basePaths": []}' WHERE "work"->>'kind' = 'remove';
