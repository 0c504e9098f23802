-- A recommended start comes from no host and from no balance run.
ALTER TABLE "recommendations" ALTER COLUMN "balanceRunId" DROP NOT NULL, ALTER COLUMN "fromHostId" DROP NOT NULL;
