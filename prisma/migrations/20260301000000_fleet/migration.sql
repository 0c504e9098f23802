-- The uniqueness of a guest's place in time is the database's own: see the end of this file.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "pools" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "balance" JSONB NOT NULL,
    "migration" JSONB NOT NULL,
    "failure" JSONB NOT NULL,
    "isolationResponse" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "pools_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "hosts" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "stateReason" TEXT NOT NULL,
    "maintenance" TEXT NOT NULL,
    "incarnation" INTEGER NOT NULL,
    "peerAddress" TEXT NOT NULL,
    "queue" TEXT NOT NULL,
    "capacity" JSONB NOT NULL,
    "capabilities" JSONB,
    "fenceDevice" TEXT,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "hosts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "guests" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "imageId" TEXT NOT NULL,
    "vcpus" INTEGER NOT NULL,
    "memoryMiB" INTEGER NOT NULL,
    "diskMiB" INTEGER NOT NULL,
    "cpuReservationMillicores" INTEGER NOT NULL,
    "cpuLimitMillicores" INTEGER,
    "cpuShares" INTEGER NOT NULL,
    "restartPriority" TEXT NOT NULL,
    "cloudInit" TEXT,
    "desired" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "stateReason" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "reservedEpoch" INTEGER NOT NULL,
    "hostId" TEXT,
    "createdAt" BIGINT NOT NULL,
    "movedAt" BIGINT,
    "failedStarts" INTEGER NOT NULL,
    "retryAt" BIGINT,

    CONSTRAINT "guests_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "images" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "firmware" TEXT NOT NULL,
    "kernelPath" TEXT,
    "initrdPath" TEXT,
    "kernelArguments" TEXT,
    "diskPath" TEXT,
    "datastoreId" TEXT NOT NULL,
    "minimumMemoryMiB" INTEGER NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "images_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "datastores" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "shared" BOOLEAN NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "datastores_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rules" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "guestIds" TEXT[],
    "hostIds" TEXT[],
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "rules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "placements" (
    "guestId" TEXT NOT NULL,
    "hostId" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "from" BIGINT NOT NULL,
    "to" BIGINT,
    "reason" TEXT NOT NULL,
    "endReason" TEXT,
    "guestName" TEXT,
    "hostName" TEXT,

    CONSTRAINT "placements_pkey" PRIMARY KEY ("guestId","epoch")
);

-- CreateTable
CREATE TABLE "migrations" (
    "id" TEXT NOT NULL,
    "guestId" TEXT NOT NULL,
    "sourceHostId" TEXT NOT NULL,
    "targetHostId" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "step" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "progress" JSONB,
    "downtimeMs" DOUBLE PRECISION,
    "guestSeenDowntimeMs" DOUBLE PRECISION,
    "failure" TEXT,
    "steps" JSONB NOT NULL,
    "createdAt" BIGINT NOT NULL,
    "endedAt" BIGINT,

    CONSTRAINT "migrations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "recommendations" (
    "id" TEXT NOT NULL,
    "balanceRunId" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "guestId" TEXT NOT NULL,
    "fromHostId" TEXT NOT NULL,
    "toHostId" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "gain" DOUBLE PRECISION NOT NULL,
    "cost" DOUBLE PRECISION NOT NULL,
    "projected" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "recommendations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "balance_runs" (
    "id" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "imbalanceBefore" DOUBLE PRECISION NOT NULL,
    "imbalanceAfter" DOUBLE PRECISION NOT NULL,
    "recommendationCount" INTEGER NOT NULL,
    "explanation" TEXT NOT NULL,

    CONSTRAINT "balance_runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "drills" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "hostId" TEXT,
    "guestId" TEXT,
    "state" TEXT NOT NULL,
    "objectives" JSONB NOT NULL,
    "phases" JSONB NOT NULL,
    "outages" JSONB NOT NULL,
    "verdict" TEXT,
    "explanation" TEXT NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,
    "injectedAt" BIGINT,
    "endedAt" BIGINT,

    CONSTRAINT "drills_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tasks" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "subjectKind" TEXT NOT NULL,
    "subjectId" TEXT NOT NULL,
    "requestedBy" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "progressShare" DOUBLE PRECISION,
    "result" TEXT,
    "createdAt" BIGINT NOT NULL,
    "endedAt" BIGINT,

    CONSTRAINT "tasks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alarms" (
    "id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "subjectKind" TEXT NOT NULL,
    "subjectId" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "raisedAt" BIGINT NOT NULL,
    "clearedAt" BIGINT,

    CONSTRAINT "alarms_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL,
    "at" BIGINT NOT NULL,
    "code" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "subjectKind" TEXT NOT NULL,
    "subjectId" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "details" JSONB NOT NULL,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "lease" (
    "id" INTEGER NOT NULL,
    "holder" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "term" INTEGER NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lease_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tokens" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,
    "expiresAt" BIGINT,
    "lastUsedAt" BIGINT,

    CONSTRAINT "tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "join_tokens" (
    "id" TEXT NOT NULL,
    "poolName" TEXT,
    "description" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "reusable" BOOLEAN NOT NULL,
    "createdAt" BIGINT NOT NULL,
    "expiresAt" BIGINT,
    "usedAt" BIGINT,

    CONSTRAINT "join_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent_credentials" (
    "hostName" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "createdAt" BIGINT NOT NULL,

    CONSTRAINT "agent_credentials_pkey" PRIMARY KEY ("hostName")
);

-- CreateIndex
CREATE UNIQUE INDEX "pools_name_key" ON "pools"("name");

-- CreateIndex
CREATE UNIQUE INDEX "hosts_name_key" ON "hosts"("name");

-- CreateIndex
CREATE UNIQUE INDEX "guests_name_key" ON "guests"("name");

-- CreateIndex
CREATE UNIQUE INDEX "images_name_key" ON "images"("name");

-- CreateIndex
CREATE UNIQUE INDEX "datastores_name_key" ON "datastores"("name");

-- CreateIndex
CREATE UNIQUE INDEX "rules_name_key" ON "rules"("name");

-- CreateIndex
CREATE INDEX "placements_hostId_from_idx" ON "placements"("hostId", "from");

-- CreateIndex
CREATE INDEX "migrations_createdAt_id_idx" ON "migrations"("createdAt", "id");

-- CreateIndex
CREATE INDEX "migrations_guestId_createdAt_idx" ON "migrations"("guestId", "createdAt");

-- CreateIndex
CREATE INDEX "migrations_step_idx" ON "migrations"("step");

-- CreateIndex
CREATE INDEX "recommendations_createdAt_id_idx" ON "recommendations"("createdAt", "id");

-- CreateIndex
CREATE INDEX "recommendations_state_idx" ON "recommendations"("state");

-- CreateIndex
CREATE INDEX "balance_runs_at_id_idx" ON "balance_runs"("at", "id");

-- CreateIndex
CREATE INDEX "drills_createdAt_id_idx" ON "drills"("createdAt", "id");

-- CreateIndex
CREATE INDEX "drills_state_idx" ON "drills"("state");

-- CreateIndex
CREATE INDEX "tasks_createdAt_id_idx" ON "tasks"("createdAt", "id");

-- CreateIndex
CREATE INDEX "tasks_state_idx" ON "tasks"("state");

-- CreateIndex
CREATE INDEX "alarms_raisedAt_id_idx" ON "alarms"("raisedAt", "id");

-- CreateIndex
CREATE INDEX "events_at_idx" ON "events"("at");

-- CreateIndex
CREATE INDEX "events_subjectKind_subjectId_id_idx" ON "events"("subjectKind", "subjectId", "id");

-- CreateIndex
CREATE INDEX "events_code_id_idx" ON "events"("code", "id");

-- CreateIndex
CREATE UNIQUE INDEX "users_name_key" ON "users"("name");

-- CreateIndex
CREATE UNIQUE INDEX "tokens_hash_key" ON "tokens"("hash");

-- CreateIndex
CREATE INDEX "tokens_userId_idx" ON "tokens"("userId");

-- CreateIndex
CREATE UNIQUE INDEX "join_tokens_hash_key" ON "join_tokens"("hash");

-- CreateIndex
CREATE UNIQUE INDEX "agent_credentials_hash_key" ON "agent_credentials"("hash");

-- AddForeignKey
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma cannot say ----------------------------------------------------------------------------------------------

-- An interval that ends before it begins is none.
ALTER TABLE "placements" ADD CONSTRAINT "placements_from_before_to" CHECK ("to" IS NULL OR "to" >= "from");

-- A guest has at most one open placement.
CREATE UNIQUE INDEX "placements_one_open_per_guest" ON "placements" ("guestId") WHERE "to" IS NULL;

-- A guest's placements never overlap in time. An open one reaches to the end of time.
ALTER TABLE "placements" ADD CONSTRAINT "placements_never_overlap"
  EXCLUDE USING gist ("guestId" WITH =, int8range("from", "to") WITH &&);

-- "Where was every guest at 14:05?"
CREATE INDEX "placements_at_instant" ON "placements" USING gist (int8range("from", "to"));

-- Epochs only grow. The lock makes two transactions that open placements of one guest follow each other: without it
-- each would look before the other's row can be seen.
CREATE FUNCTION "placement_opens"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE latest integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW."guestId", 0));
  SELECT max("epoch") INTO latest FROM "placements" WHERE "guestId" = NEW."guestId";
  IF NEW."epoch" <= latest THEN
    RAISE EXCEPTION 'guest % has had epoch %, so a placement with epoch % is refused', NEW."guestId", latest, NEW."epoch"
      USING ERRCODE = 'check_violation', CONSTRAINT = 'placements_epoch_increases', TABLE = 'placements';
  END IF;
  NEW."guestName" := (SELECT "name" FROM "guests" WHERE "id" = NEW."guestId");
  NEW."hostName" := (SELECT "name" FROM "hosts" WHERE "id" = NEW."hostId");
  RETURN NEW;
END $$;
CREATE TRIGGER "placement_opens" BEFORE INSERT ON "placements" FOR EACH ROW EXECUTE FUNCTION "placement_opens"();

-- History is not rewritten: a placement is opened, then closed, and never touched again.
CREATE FUNCTION "placement_closes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."to" IS NOT NULL OR (NEW."guestId", NEW."hostId", NEW."epoch", NEW."from", NEW."reason")
      IS DISTINCT FROM (OLD."guestId", OLD."hostId", OLD."epoch", OLD."from", OLD."reason") THEN
    RAISE EXCEPTION 'the placement of guest % with epoch % is history, and cannot change', OLD."guestId", OLD."epoch"
      USING ERRCODE = 'check_violation', CONSTRAINT = 'placements_are_history', TABLE = 'placements';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "placement_closes" BEFORE UPDATE ON "placements" FOR EACH ROW EXECUTE FUNCTION "placement_closes"();

-- One open alarm for each thing that is wrong.
CREATE UNIQUE INDEX "alarms_one_open" ON "alarms" ("code", "subjectKind", "subjectId") WHERE "clearedAt" IS NULL;
