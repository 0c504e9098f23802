import type { Handlers } from '../answer';
import type { Health } from '../health';
import type { HttpPorts } from '../ports';
import type { Screens } from '../screens/screens';
import { accessHandlers } from './access';
import { agentHandlers } from './agents';
import { historyHandlers } from './history';
import { liveHandlers } from './live';
import { requestHandlers } from './requests';
import { serverHandlers } from './server';
import { simulationHandlers } from './simulations';
import { uploadHandlers } from './uploads';

export function createHandlers(ports: HttpPorts, health: Health, screens: Screens): Handlers {
  return {
    ...requestHandlers(ports),
    ...liveHandlers({ ...ports, screens }),
    ...historyHandlers(ports),
    ...accessHandlers(ports),
    ...agentHandlers(ports),
    ...simulationHandlers(ports),
    ...uploadHandlers(ports),
    ...serverHandlers(ports.server, health),
  };
}
