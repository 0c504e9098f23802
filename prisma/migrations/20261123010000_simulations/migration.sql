-- Simulations that a controller runs, with their reports.
CREATE TABLE "simulations" (
    "id" TEXT NOT NULL,
    "request" JSONB NOT NULL,
    "title" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "progress" DOUBLE PRECISION NOT NULL,
    "outcome" TEXT NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,
    "endedAt" BIGINT,
    "report" JSONB,

    CONSTRAINT "simulations_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "simulations_createdAt_id_idx" ON "simulations"("createdAt", "id");
CREATE INDEX "simulations_state_idx" ON "simulations"("state");
