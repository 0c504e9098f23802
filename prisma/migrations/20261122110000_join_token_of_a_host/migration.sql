-- A join token may be for one host by name, which may take the place of the credential that it has.
ALTER TABLE "join_tokens" ADD COLUMN "hostName" TEXT;
