-- A host has several fence devices, tried in their order. What its agent named is the first of them.
ALTER TABLE "hosts" ADD COLUMN "fenceDevices" JSONB NOT NULL DEFAULT '[]';
UPDATE "hosts" SET "fenceDevices" = jsonb_build_array(jsonb_build_object(
    'name', 'chassis', 'kind', 'chassis', 'address', substr("fenceDevice", 9), 'options', '{}'::jsonb,
    'secretNames', '[]'::jsonb, 'deadlineMs', 3000, 'setBy', 'agent'))
WHERE "fenceDevice" LIKE 'chassis:%';
ALTER TABLE "hosts" DROP COLUMN "fenceDevice", ALTER COLUMN "fenceDevices" DROP DEFAULT;

-- CreateTable
CREATE TABLE "fence_secrets" (
    "id" TEXT NOT NULL,
    "values" JSONB NOT NULL,

    CONSTRAINT "fence_secrets_pkey" PRIMARY KEY ("id")
);
