import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { instanceFiles } from './command-line';
import type { InstanceFolder } from './instance-folder';
import { nameProcess, type ProcessName } from '../process-table';

/**
 * Detached and in files of its own: the guest outlives this process. The environment is inherited, and with it the mark of
 * the chassis.
 */
export function spawnVmm(
  folder: InstanceFolder,
  { binary, parameters }: { readonly binary: string; readonly parameters: readonly string[] },
  onExit: (reason: string) => void,
): ProcessName {
  const log = openSync(join(folder.path, instanceFiles.log), 'a');
  const child = spawn(binary, [...parameters], { cwd: folder.path, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.on('error', () => undefined);
  child.on('exit', (code, signal) =>
    onExit(signal ? `QEMU was killed by ${signal}` : `QEMU ended with status ${code}`),
  );
  child.unref();
  const process = child.pid === undefined ? undefined : nameProcess(child.pid);
  if (!process) throw new Error(`${binary} could not be started. ${folder.log()}`);
  return process;
}
