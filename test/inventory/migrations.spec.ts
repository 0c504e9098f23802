import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TestServers } from './servers';

const servers = new TestServers();
afterAll(() => servers.stop());

const root = join(__dirname, '../..');

/** Prisma's own command line, with the schema engine that needs no download. */
function prisma(databaseUrl: string, ...args: string[]) {
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    PRISMA_SCHEMA_ENGINE_BINARY: join(root, 'prisma/schema-engine.mjs'),
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  };
  return promisify(execFile)(join(root, 'node_modules/.bin/prisma'), args, { cwd: root, env });
}

test('the migrations make what the schema says, and Prisma itself agrees that they are applied', async () => {
  const { url } = await servers.postgres();
  expect((await prisma(url, 'migrate', 'status')).stdout).toContain('Database schema is up to date!');
  // Rejects with status 2 when there is a difference.
  const diff = ['migrate', 'diff', '--from-config-datasource', '--to-schema', 'prisma/schema.prisma', '--exit-code'];
  expect((await prisma(url, ...diff)).stdout).toContain('No difference detected');
}, 60_000);
