#!/usr/bin/env node
// Stands in for Prisma's schema engine, which is a binary that would have to be downloaded: it speaks the same JSON-RPC,
// and answers with the WebAssembly build of the same engine. For developers, from the root of the repository:
//   PRISMA_SCHEMA_ENGINE_BINARY=$PWD/prisma/schema-engine.mjs npx prisma migrate dev --name add_something

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { readFileSync } from 'node:fs';
import { openSchemaEngine } from './engine.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { datamodels: { type: 'string', multiple: true }, datasource: { type: 'string' } },
});
// `cli can-connect-to-database`: what follows would say so, and more clearly.
if (positionals[0] === 'cli') process.exit(0);

const files = /** @type {string[]} */ (values.datamodels ?? []);
const datasource = JSON.parse(/** @type {string} */ (values.datasource ?? '{}'));
const url = datasource.url || process.env.DATABASE_URL;

/** @param {string} file @returns {[string, string]} */
const read = (file) => [file, readFileSync(file, 'utf8')];
/** The engine has its version under another name. @type {Record<string, string>} */
const renamed = { getDatabaseVersion: 'version' };
/** @type {ReturnType<typeof openSchemaEngine> | undefined} */
let opened;
let printed = 0;

/** @param {object} message */
function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

/** @param {{ id: number, method?: string, params?: unknown }} request */
async function answer({ id, method, params }) {
  if (method === undefined) return;
  try {
    if (!url) throw new Error('DATABASE_URL is not set: name the database that migrations are tried on');
    opened ??= openSchemaEngine(url, files.length > 0 ? { datamodels: files.map(read) } : {});
    const { engine } = await opened;
    const call = /** @type {any} */ (engine)[renamed[method] ?? method];
    if (typeof call !== 'function') throw new Error(`${method} is not known to this build of the schema engine`);
    const result = (await call.call(engine, params)) ?? null;
    // The command line prints what comes as a request of its own; the result has the exit code.
    if (result?.stdout) send({ id: `print-${(printed += 1)}`, method: 'print', params: { content: result.stdout } });
    send({ id, result });
  } catch (error) {
    const { code, message } = /** @type {{ code?: string, message: string }} */ (error);
    send({ id, error: { code: 4466, message, data: { is_panic: false, message, error_code: code ?? null } } });
  }
}

let last = Promise.resolve();
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  last = last.then(() => answer(JSON.parse(line)));
});
lines.on(
  'close',
  () =>
    void last
      .then(async () => (await opened)?.close())
      .catch(() => {})
      .finally(() => process.exit()),
);
