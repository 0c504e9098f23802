import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unitOf, unitParts, type UnitSettings } from './agent-units';

const settings: UnitSettings = {
  environment: {
    ARGOSY_HOST: 'h1',
    ARGOSY_JOIN_TOKEN: 'a "secret" of 100 %',
    ARGOSY_STATE_FOLDER: '/var/lib/argosy/agent',
    ARGOSY_DATASTORE_FOLDER: '/datastore',
  },
  datastoreFolder: '/datastore',
  programFolder: '/opt/argosy',
  nodePath: '/usr/bin/node',
};

test('heartbeat and watchdog are units of their own, which the agent wants and does not keep', () => {
  const [agent, heartbeat, watchdog] = unitParts.map((part) => unitOf(part, settings));
  expect(agent).toContain('Wants=network-online.target argosy-heartbeat.service argosy-watchdog.service');
  expect(agent).toContain('Environment="ARGOSY_JOIN_TOKEN=a \\"secret\\" of 100 %%"');
  expect(agent).toContain('Environment="ARGOSY_DATASTORE_FOLDER=/datastore"');
  for (const unit of [heartbeat, watchdog]) expect(unit).not.toMatch(/TOKEN|Requires=|BindsTo=|PartOf=/);
  expect(heartbeat).toContain('"/datastore/heartbeats/h1"');
  expect(watchdog).toContain('"/opt/argosy/dist/apps/agent/src/watchdog/main.js"');
  expect(watchdog).toContain('Environment="ARGOSY_DATASTORE_FOLDER=/datastore"');
  expect(watchdog).toContain('RestartSec=0.2');
});

test("without a shared datastore the agent's unit wants neither", () => {
  expect(unitOf('agent', { ...settings, datastoreFolder: null })).toContain('Wants=network-online.target\n');
});

test('a folder of whatever name is a name, and neither a variable nor a specifier', () => {
  const odd = { ...settings, datastoreFolder: '/data $HOME %h' };
  expect(unitOf('heartbeat', odd)).toContain('"/data $$HOME %%h/heartbeats/h1"');
});

test('the line that beats is a program that the shell reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'argosy-beat-'));
  const line = /ExecStart=\/bin\/sh -c '(.*)' "/.exec(unitOf('heartbeat', settings))?.[1] ?? '';
  const once = line.replaceAll('$$', () => '$').replace('sleep 0.5', 'exit');
  execFileSync('/bin/sh', ['-c', once, join(folder, 'h1')]);
  expect(readFileSync(join(folder, 'h1'), 'utf8')).toBe('1\n');
  rmSync(folder, { recursive: true });
});
