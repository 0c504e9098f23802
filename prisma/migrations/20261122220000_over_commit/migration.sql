-- How many times what hosts have may be promised.
UPDATE "pools" SET "balance" = '{"memoryRatio": 1, "vcpuRatio": 0}'::jsonb || "balance";
