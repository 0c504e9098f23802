-- A guest that has run has a disk: from here on a start that does not find it is refused. One that is in its first start may have none yet.
ALTER TABLE "guests" ADD COLUMN "diskMade" BOOLEAN;
UPDATE "guests" SET "diskMade" = ("clonedFrom" IS NOT NULL AND "state" <> 'cloning')
  OR ("epoch" > 0 AND "failedStarts" = 0 AND "state" <> 'starting');
ALTER TABLE "guests" ALTER COLUMN "diskMade" SET NOT NULL;
