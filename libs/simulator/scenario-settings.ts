import { admissionPolicies, isolationResponses, restartReadiness } from '@argosy/domain/policies';
import type { PoolSettings } from '@argosy/domain/fleet-request';
import type { Words } from './scenario-words';

const settingValues: Readonly<Record<string, (words: Words) => unknown>> = {
  'balance.automation': (words) => words.oneOf(['manual', 'partial', 'full']),
  'balance.threshold': (words) => words.between(1, 5),
  'balance.intervalMs': (words) => words.number('ms'),
  'balance.coolDownMs': (words) => words.number('ms'),
  'balance.memoryRatio': (words) => words.between(1, 64),
  'balance.vcpuRatio': (words) => words.between(0, 64),
  'power.automation': (words) => words.oneOf(['off', 'manual', 'automatic']),
  'power.offShare': (words) => words.between(0, 1),
  'power.onShare': (words) => words.between(0, 1),
  'power.lowForMs': (words) => words.number('ms'),
  'migration.autoConverge': (words) => words.oneOf(['true', 'false']) === 'true',
  'migration.encrypted': (words) => words.oneOf(['true', 'false']) === 'true',
  'migration.postCopy': (words) => words.oneOf(['true', 'false']) === 'true',
  'migration.bandwidthMiBPerSecond': (words) => words.number('MiB/s'),
  'migration.downtimeLimitMs': (words) => words.number('ms'),
  'migration.copyDeadlineMs': (words) => words.number('ms'),
  'migration.concurrentPerHost': (words) => words.number('a count'),
  'failure.suspectAfterMs': (words) => words.number('ms'),
  'failure.failedAfterMs': (words) => words.number('ms'),
  'failure.isolatedAfterMs': (words) => words.number('ms'),
  'failure.watchdogLeaseMs': (words) => words.number('ms'),
  'failure.lockIsProof': (words) => words.oneOf(['true', 'false']) === 'true',
  'failure.maximumSilentHosts': (words) => words.number('a count'),
  'failure.restartReady': (words) => words.oneOf(restartReadiness),
  'failure.restartWaitMs': (words) => words.number('ms'),
  'failure.guestMonitoringMs': (words) => words.number('ms'),
  'failure.guestRestarts': (words) => words.number('a count'),
  'failure.poolRestarts': (words) => words.number('a count'),
  'failure.hostFailures': (words) => words.number('a count'),
  'failure.budgetWindowMs': (words) => words.number('ms'),
  'failure.admission': (words) => words.oneOf(admissionPolicies),
  'failure.reservedCpuShare': (words) => words.between(0, 1),
  'failure.reservedMemoryShare': (words) => words.between(0, 1),
  'failure.toleratedHostFailures': (words) => words.number('a count'),
};

/** One setting of a pool, with its value. */
export function settingOf(words: Words): PoolSettings {
  const path = words.oneOf([...Object.keys(settingValues), 'isolation']);
  if (path === 'isolation') return { isolationResponse: words.oneOf(isolationResponses) };
  const [group, field] = path.split('.') as [string, string];
  return { [group]: { [field]: settingValues[path]!(words) } };
}
