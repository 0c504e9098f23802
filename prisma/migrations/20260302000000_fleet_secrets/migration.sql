-- CreateTable
CREATE TABLE "fleet_secrets" (
    "name" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "fleet_secrets_pkey" PRIMARY KEY ("name")
);
