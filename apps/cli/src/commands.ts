import type { Command } from './command';
import { agentCommands } from './commands/agent';
import { accessCommands } from './commands/access';
import { balanceCommands } from './commands/balance';
import { datastoreCommands } from './commands/datastore';
import { drillCommands } from './commands/drill';
import { fenceDeviceCommands } from './commands/fence-device';
import { consoleCommands } from './commands/guest-console';
import { guestCommands } from './commands/guest';
import { historyCommands } from './commands/history';
import { hostCommands } from './commands/host';
import { imageCommands } from './commands/image';
import { labCommands } from './commands/lab';
import { labLifeCommands } from './commands/lab-life';
import { machineCommands } from './commands/machine';
import { migrationCommands } from './commands/migration';
import { poolCommands } from './commands/pool';
import { programCommands } from './commands/program';
import { rollCommands } from './commands/roll';
import { ruleCommands } from './commands/rule';
import { simCommands } from './commands/sim';
import { simulationCommands } from './commands/simulation';
import { snapshotCommands } from './commands/snapshot';
import { topCommands } from './commands/top';

/** Everything that `argosy` can do: the parser, the help and the completion are made from this table. */
export const commands: readonly Command[] = [
  ...poolCommands,
  ...rollCommands,
  ...hostCommands,
  ...fenceDeviceCommands,
  ...agentCommands,
  ...guestCommands,
  ...migrationCommands.filter(({ path }) => path.startsWith('guest')),
  ...consoleCommands,
  ...snapshotCommands,
  ...imageCommands,
  ...datastoreCommands,
  ...ruleCommands,
  ...migrationCommands.filter(({ path }) => !path.startsWith('guest')),
  ...balanceCommands,
  ...drillCommands,
  ...historyCommands,
  ...accessCommands,
  ...labLifeCommands,
  ...labCommands,
  ...simCommands,
  ...simulationCommands,
  ...machineCommands,
  ...topCommands,
  ...programCommands,
];
