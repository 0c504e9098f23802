import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface SchemaEngine {
  applyMigrations(options: { databaseUrl: string; migrationsFolder: string }): Promise<readonly string[]>;
}

/** The folder `prisma/` of the repository, above this file whether it runs from its source or built. */
function prismaFolder(folder = __dirname): string {
  const candidate = join(folder, 'prisma');
  if (existsSync(join(candidate, 'engine.mjs'))) return candidate;
  if (dirname(folder) === folder)
    throw new Error('the folder prisma/ with the migrations is missing beside the program');
  return prismaFolder(dirname(folder));
}

/**
 * Brings the database up to the newest migration, in this process and with nothing downloaded; two controllers may do it
 * at once. Value: what was applied now.
 */
export async function migrate(databaseUrl: string): Promise<readonly string[]> {
  const folder = prismaFolder();
  // The engine is an ES module: Node's own require loads one, also where `import()` was compiled to something else.
  const engine = createRequire(__filename)(join(folder, 'engine.mjs')) as SchemaEngine;
  return engine.applyMigrations({ databaseUrl, migrationsFolder: join(folder, 'migrations') });
}
