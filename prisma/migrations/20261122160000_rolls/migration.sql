-- CreateTable
CREATE TABLE "rolls" (
    "id" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "command" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "hosts" JSONB NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "failure" TEXT,
    "createdAt" BIGINT NOT NULL,
    "endedAt" BIGINT,

    CONSTRAINT "rolls_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "rolls_poolId_createdAt_idx" ON "rolls"("poolId", "createdAt");
