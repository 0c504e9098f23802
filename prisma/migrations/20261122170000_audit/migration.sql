-- CreateTable
CREATE TABLE "audit_events" (
    "id" BIGSERIAL NOT NULL,
    "callId" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "actor" TEXT,
    "tokenId" TEXT,
    "address" TEXT,
    "method" TEXT,
    "route" TEXT NOT NULL,
    "subject" TEXT,
    "outcome" TEXT NOT NULL,
    "status" INTEGER,
    "code" TEXT,
    "dropped" INTEGER NOT NULL,

    CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "audit_events_callId_key" ON "audit_events"("callId");

-- CreateIndex
CREATE INDEX "audit_events_at_idx" ON "audit_events"("at");

-- CreateIndex
CREATE INDEX "audit_events_actor_id_idx" ON "audit_events"("actor", "id");

-- CreateIndex
CREATE INDEX "audit_events_route_id_idx" ON "audit_events"("route", "id");

-- CreateIndex
CREATE INDEX "audit_events_outcome_id_idx" ON "audit_events"("outcome", "id");
