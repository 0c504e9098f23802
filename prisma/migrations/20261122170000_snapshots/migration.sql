-- A suspended guest's memory is in a file.
ALTER TABLE "guests" ADD COLUMN "memoryPath" TEXT;

CREATE TABLE "snapshots" (
    "id" TEXT NOT NULL,
    "guestId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "memoryPath" TEXT,
    "memoryMiB" INTEGER NOT NULL,
    "vcpus" INTEGER NOT NULL,
    "pauseMs" DOUBLE PRECISION,
    "memoryBytes" BIGINT,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "snapshots_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "snapshots_guestId_name_key" ON "snapshots"("guestId", "name");
