-- What a drill of a link does to it; null for a drill of another kind.
ALTER TABLE "drills" ADD COLUMN "impairment" JSONB;
