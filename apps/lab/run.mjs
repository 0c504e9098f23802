// Runs a program to its end, with its output on ours.

import { spawn } from 'node:child_process';

/**
 * @param {string[]} command
 * @param {{ cwd: string, environment?: Record<string, string> }} options
 * @returns {Promise<number>} its status; 1 if a signal ended it
 */
export function runHere([program = '', ...args], { cwd, environment = {} }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}
