import { defineConfig } from 'prisma/config';

// `prisma generate` needs no database; every other command says by itself that the URL is missing.
export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env.DATABASE_URL ?? '' },
});
