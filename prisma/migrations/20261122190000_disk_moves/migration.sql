-- A migration may take the guest's disk to another datastore. Null: it stayed where it was.
ALTER TABLE "migrations" ADD COLUMN "sourceDatastoreId" TEXT;
ALTER TABLE "migrations" ADD COLUMN "targetDatastoreId" TEXT;
