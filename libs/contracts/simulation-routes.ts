import { drillBody } from './bodies';
import { pageQuery, referenceField, strictBody } from './fields';
import { pageOf } from './responses';
import type { Route } from './routes';
import * as simulations from './simulation-schemas';

const simulation = strictBody({ id: referenceField.describe('Its id.') });

/** What would be: routes that change nothing of the fleet. */
// prettier-ignore
export const simulationRoutes = {
  'drill.predict': {
    method: 'POST', path: '/drills/prediction', tag: 'drills', access: 'operator', status: 200,
    summary: 'Say what a drill would show, by the simulator; nothing is broken', body: drillBody, response: simulations.drillPredictionSchema,
  },
  'simulation.start': {
    method: 'POST', path: '/simulations', tag: 'simulations', access: 'operator', status: 202,
    summary: 'Simulate what would become of a pool if something changed, or days of a made-up fleet under several policies', body: simulations.newSimulationBody, response: simulations.simulationSchema,
  },
  'simulation.list': {
    method: 'GET', path: '/simulations', tag: 'simulations', access: 'viewer', status: 200,
    summary: 'List the simulations that were asked of controllers, newest first', query: strictBody(pageQuery), response: pageOf(simulations.simulationSchema),
  },
  'simulation.get': {
    method: 'GET', path: '/simulations/:id', tag: 'simulations', access: 'viewer', status: 200,
    summary: 'Get a simulation, with its report when it is done', params: simulation, response: simulations.simulationReportSchema,
  },
  'simulation.cancel': {
    method: 'POST', path: '/simulations/:id/cancel', tag: 'simulations', access: 'operator', status: 202,
    summary: 'Cancel a simulation', params: simulation, response: simulations.simulationSchema,
  },
  'simulation.remove': {
    method: 'DELETE', path: '/simulations/:id', tag: 'simulations', access: 'operator', status: 204,
    summary: 'Forget a simulation and its report; one that runs is cancelled', params: simulation,
  },
} as const satisfies Record<string, Route>;
