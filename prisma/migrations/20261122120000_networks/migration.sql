-- Each pool has a subnet of its own, each guest an address of it and the MAC address that is derived from that.
ALTER TABLE "pools" ADD COLUMN "network" JSONB;
UPDATE "pools" SET "network" = jsonb_build_object('subnet', '10.' || 128 + numbered.number || '.0.0/16', 'gateway', NULL)
  FROM (SELECT "id", (row_number() OVER (ORDER BY "createdAt", "id") - 1)::int AS number FROM "pools") AS numbered
  WHERE numbered."id" = "pools"."id";
ALTER TABLE "pools" ALTER COLUMN "network" SET NOT NULL;

ALTER TABLE "guests" ADD COLUMN "address" TEXT, ADD COLUMN "macAddress" TEXT;
UPDATE "guests" SET "address" = host(split_part("pools"."network" ->> 'subnet', '/', 1)::inet + 1 + numbered.number)
  FROM (SELECT "id", row_number() OVER (PARTITION BY "poolId" ORDER BY "createdAt", "id") AS number FROM "guests") AS numbered,
       "pools"
  WHERE numbered."id" = "guests"."id" AND "pools"."id" = "guests"."poolId";
UPDATE "guests" SET "macAddress" = '02:41:' || concat_ws(':',
  lpad(to_hex(split_part("address", '.', 1)::int), 2, '0'), lpad(to_hex(split_part("address", '.', 2)::int), 2, '0'),
  lpad(to_hex(split_part("address", '.', 3)::int), 2, '0'), lpad(to_hex(split_part("address", '.', 4)::int), 2, '0'));
ALTER TABLE "guests" ALTER COLUMN "address" SET NOT NULL, ALTER COLUMN "macAddress" SET NOT NULL;
CREATE UNIQUE INDEX "guests_address_key" ON "guests"("address");
CREATE UNIQUE INDEX "guests_macAddress_key" ON "guests"("macAddress");
