// Prisma's schema engine as WebAssembly, over the ordinary PostgreSQL driver: no binary has to be downloaded.

import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const charOid = 18;
const textOid = 25;

const require = createRequire(import.meta.url);
let loaded = false;

/**
 * The engine leaves the timer of its 10 s wait for the migrations' lock behind, and would keep the process alive for it.
 * @param {() => void} callback
 * @param {number} delayMs
 */
function unreferencedTimeout(callback, delayMs) {
  return setTimeout(callback, delayMs).unref();
}

function loadBindings() {
  if (loaded) return;
  const file = join(dirname(require.resolve('@prisma/schema-engine-wasm/schema_engine_bg')), 'schema_engine_bg.wasm');
  // Where the engine says why it panics; without it, the report of a panic is an error of its own.
  globalThis.PRISMA_WASM_PANIC_REGISTRY ??= {
    set_message: (message) => process.stderr.write(`schema engine: ${message}\n`),
  };
  const imports = Object.entries(bindings).map(([name, value]) =>
    name.startsWith('__wbg_setTimeout_') ? [name, unreferencedTimeout] : [name, value],
  );
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {
    './schema_engine_bg.js': Object.fromEntries(imports),
  });
  bindings.__wbg_set_wasm(instance.exports);
  /** @type {() => void} */ (instance.exports.__wbindgen_start)();
  loaded = true;
}

/**
 * The ordinary adapter with three of its ways changed. It cuts a script at every semicolon, also inside a function's
 * body; here a script is sent whole, and so is one transaction. It does not know the type "char" of PostgreSQL's own
 * tables. It drops a shadow database while connections to it are open.
 */
class EngineAdapter extends PrismaPg {
  /** @param {import('pg').PoolConfig} config host, port and so on, because a connection string would win over `database` */
  constructor(config) {
    super(config);
    this.settings = config;
    /** @type {{ dispose(): Promise<void> }[]} */
    this.connections = [];
  }

  async connect() {
    const connection = await super.connect();
    this.connections.push(connection);
    connection.executeScript = async (script) => {
      await connection.underlyingDriver().query(script);
    };
    const inner = /** @type {{ performIO(query: unknown): Promise<{ fields: { dataTypeID: number }[] }> }} */ (
      /** @type {unknown} */ (connection)
    );
    const performIO = inner.performIO.bind(connection);
    /** @type {WeakMap<object, number[]>} the columns of type "char" in the answer to each query */
    const charColumns = new WeakMap();
    inner.performIO = async (/** @type {object} */ query) => {
      const result = await performIO(query);
      const found = result.fields.flatMap(({ dataTypeID }, index) => (dataTypeID === charOid ? [index] : []));
      for (const index of found) result.fields[index].dataTypeID = textOid;
      charColumns.set(query, found);
      return result;
    };
    const queryRaw = connection.queryRaw.bind(connection);
    connection.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const index of charColumns.get(query) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
      return result;
    };
    return connection;
  }

  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const main = await this.connect();
    await main.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = await new EngineAdapter({ ...this.settings, database }).connect();
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await main.executeScript(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`);
      await main.dispose();
    };
    return shadow;
  }
}

/**
 * @param {string} databaseUrl
 * @param {{ datamodels?: [string, string][], log?: (line: string) => void }} [options]
 */
export async function openSchemaEngine(databaseUrl, { datamodels, log = () => {} } = {}) {
  loadBindings();
  const { username, password, hostname, port, pathname, searchParams } = new URL(databaseUrl);
  const adapter = new EngineAdapter({
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    host: searchParams.get('host') ?? decodeURIComponent(hostname),
    port: Number(port || 5432),
    database: decodeURIComponent(pathname.slice(1)),
    ...(['require', 'verify-ca', 'verify-full'].includes(searchParams.get('sslmode') ?? '')
      ? { ssl: { rejectUnauthorized: searchParams.get('sslmode') !== 'require' } }
      : {}),
    connectionTimeoutMillis: 5000,
    max: 2,
  });
  const engine = await bindings.SchemaEngine.new({ datamodels }, log, bindMigrationAwareSqlAdapterFactory(adapter));
  const close = async () => {
    engine.free();
    for (const connection of adapter.connections) await connection.dispose();
  };
  return { engine, close };
}

/**
 * @param {string} baseDir the folder of the migrations
 */
export function readMigrations(baseDir) {
  const folders = readdirSync(baseDir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const content = (/** @type {string} */ file) => readFileSync(join(baseDir, file), 'utf8');
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: content('migration_lock.toml') },
    shadowDbInitScript: '',
    migrationDirectories: folders
      .map(({ name }) => name)
      .sort()
      .map((path) => ({
        path,
        migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: content(join(path, 'migration.sql')) } },
      })),
  };
}

/**
 * Brings a database up to the newest migration. Two controllers may do this at once: the engine holds a lock in the
 * database meanwhile. Rejects with Prisma's own sentence (P3009 when an earlier migration had failed half-way).
 * @param {{ databaseUrl: string, migrationsFolder: string }} options
 * @returns {Promise<readonly string[]>} the names of the migrations that were applied now
 */
export async function applyMigrations({ databaseUrl, migrationsFolder }) {
  const { engine, close } = await openSchemaEngine(databaseUrl);
  try {
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: readMigrations(migrationsFolder),
      filters: { externalTables: [], externalEnums: [] },
    });
    return appliedMigrationNames;
  } finally {
    await close();
  }
}
