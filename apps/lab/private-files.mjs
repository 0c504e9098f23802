// Small JSON files that hold passwords and tokens: mode 0600, replaced whole, so that a crash leaves the old or
// the new one.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { errorCode, errorMessage } from './processes.mjs';

/**
 * @param {string} file
 * @returns {unknown} undefined when there is none
 */
export function readJson(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON (${errorMessage(error)}); remove it, or start with --fresh`);
  }
}

/**
 * @param {string} file
 * @param {string} text
 */
export function writePrivately(file, text) {
  const next = `${file}.${process.pid}.new`;
  writeFileSync(next, text, { mode: 0o600 });
  renameSync(next, file);
}

/**
 * @param {string} file
 * @param {unknown} value
 */
export function writeJson(file, value) {
  writePrivately(file, `${JSON.stringify(value, null, 2)}\n`);
}
