-- What pools, hosts, guests and rules were, so that a moment of the past can be loaded whole. The database keeps it by itself: whoever
-- changes a row, in whatever statement, the row as it was is kept with the moment until which it was so. What changes all the time
-- (a guest's state, its epoch, a host's incarnation) is no version of its own: placements say where guests were.
CREATE TABLE "row_versions" (
  "id" BIGSERIAL NOT NULL,
  "kind" TEXT NOT NULL,
  "rowId" TEXT NOT NULL,
  "until" BIGINT NOT NULL,
  "row" JSONB NOT NULL,
  CONSTRAINT "row_versions_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "row_versions_kind_rowId_until_idx" ON "row_versions" ("kind", "rowId", "until");

-- What guests asked for, every few minutes: [guest, millicores, dirtied bytes per second] each.
CREATE TABLE "demand_samples" (
  "at" BIGINT NOT NULL,
  "guests" JSONB NOT NULL,
  CONSTRAINT "demand_samples_pkey" PRIMARY KEY ("at")
);

CREATE FUNCTION "keep_row_version"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- User data of cloud-init hold passwords, and are of no use to what was.
  INSERT INTO "row_versions" ("kind", "rowId", "until", "row")
  VALUES (TG_ARGV[0], OLD."id", (extract(epoch FROM clock_timestamp()) * 1000)::bigint, to_jsonb(OLD) - 'cloudInit');
  RETURN NULL;
END $$;

CREATE TRIGGER "keep_changed" AFTER UPDATE ON "pools" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
  EXECUTE FUNCTION "keep_row_version"('pool');
CREATE TRIGGER "keep_changed" AFTER UPDATE ON "rules" FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
  EXECUTE FUNCTION "keep_row_version"('rule');
CREATE TRIGGER "keep_changed" AFTER UPDATE ON "hosts" FOR EACH ROW WHEN (
  (OLD."name", OLD."poolId", OLD."state", OLD."maintenance", OLD."standby", OLD."capacity", OLD."capabilities", OLD."failureDomain",
    OLD."failoverOnly", OLD."degraded", OLD."quarantined", OLD."fenceDevices") IS DISTINCT FROM
  (NEW."name", NEW."poolId", NEW."state", NEW."maintenance", NEW."standby", NEW."capacity", NEW."capabilities", NEW."failureDomain",
    NEW."failoverOnly", NEW."degraded", NEW."quarantined", NEW."fenceDevices"))
  EXECUTE FUNCTION "keep_row_version"('host');
CREATE TRIGGER "keep_changed" AFTER UPDATE ON "guests" FOR EACH ROW WHEN (
  (OLD."name", OLD."poolId", OLD."imageId", OLD."datastoreId", OLD."vcpus", OLD."memoryMiB", OLD."diskMiB", OLD."cpuReservationMillicores",
    OLD."cpuLimitMillicores", OLD."cpuShares", OLD."restartPriority", OLD."probe", OLD."isTemplate") IS DISTINCT FROM
  (NEW."name", NEW."poolId", NEW."imageId", NEW."datastoreId", NEW."vcpus", NEW."memoryMiB", NEW."diskMiB", NEW."cpuReservationMillicores",
    NEW."cpuLimitMillicores", NEW."cpuShares", NEW."restartPriority", NEW."probe", NEW."isTemplate"))
  EXECUTE FUNCTION "keep_row_version"('guest');
CREATE TRIGGER "keep_removed" AFTER DELETE ON "pools" FOR EACH ROW EXECUTE FUNCTION "keep_row_version"('pool');
CREATE TRIGGER "keep_removed" AFTER DELETE ON "rules" FOR EACH ROW EXECUTE FUNCTION "keep_row_version"('rule');
CREATE TRIGGER "keep_removed" AFTER DELETE ON "hosts" FOR EACH ROW EXECUTE FUNCTION "keep_row_version"('host');
CREATE TRIGGER "keep_removed" AFTER DELETE ON "guests" FOR EACH ROW EXECUTE FUNCTION "keep_row_version"('guest');

-- From when versions are kept: what was changed or removed before is not known.
INSERT INTO "row_versions" ("kind", "rowId", "until", "row")
VALUES ('begun', '', (extract(epoch FROM clock_timestamp()) * 1000)::bigint, '{}');
