-- A datastore may be one host's own, is measured, and warns before it is full.
ALTER TABLE "datastores"
  ADD COLUMN "hostId" TEXT,
  ADD COLUMN "alarmUsedShare" DOUBLE PRECISION NOT NULL DEFAULT 0.85,
  ADD COLUMN "use" JSONB;
ALTER TABLE "datastores" ALTER COLUMN "alarmUsedShare" DROP DEFAULT;

-- Up to now every disk was made where its guest's image is.
ALTER TABLE "guests" ADD COLUMN "datastoreId" TEXT;
UPDATE "guests" SET "datastoreId" = "images"."datastoreId" FROM "images" WHERE "images"."id" = "guests"."imageId";
ALTER TABLE "guests" ALTER COLUMN "datastoreId" SET NOT NULL;

CREATE TABLE "disk_operations" (
    "id" TEXT NOT NULL,
    "guestId" TEXT NOT NULL,
    "guestName" TEXT NOT NULL,
    "datastoreId" TEXT NOT NULL,
    "hostId" TEXT,
    "work" JSONB NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "disk_operations_pkey" PRIMARY KEY ("id")
);
