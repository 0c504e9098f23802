-- What a host that is cut off does by itself, and which proofs of its end are believed.
UPDATE "pools" SET "failure" = '{"isolatedAfterMs": 10000, "watchdogLeaseMs": 20000, "lockIsProof": false}'::jsonb || "failure";
