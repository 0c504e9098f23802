-- What a kept memory was of. Of those that are kept already it is not known, and they are tried anywhere, as before.
ALTER TABLE "guests" ADD COLUMN "memoryMachine" JSONB;
ALTER TABLE "snapshots" ADD COLUMN "memoryMachine" JSONB;
UPDATE "row_versions" SET "row" = "row" || '{"memoryMachine": null}' WHERE "kind" = 'guest';
