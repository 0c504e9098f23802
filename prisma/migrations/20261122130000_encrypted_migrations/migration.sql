-- Migration streams are encrypted unless a pool's policy says otherwise.
UPDATE "pools" SET "migration" = "migration" || '{"encrypted": true}' WHERE NOT "migration" ? 'encrypted';
