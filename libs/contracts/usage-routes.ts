import { usageHeatSchema, usageHistoryQuery, usageHistorySchema } from './answers';
import { referenceField, strictBody } from './fields';
import { hostUsageSchema, pageOf } from './responses';
import type { Route } from './routes';

const inPool = strictBody({ pool: referenceField.describe('Only of this pool, by its id or its name.').optional() });

/** What hosts and guests use, and have used. */
// prettier-ignore
export const usageRoutes = {
  'usage.list': {
    method: 'GET', path: '/usage', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'Say what each host and guest was last heard to use', query: inPool, response: pageOf(hostUsageSchema),
  },
  'usage.history': {
    method: 'GET', path: '/usage/history', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'Say what a host or a guest used of processors in the last hour', query: usageHistoryQuery,
    response: usageHistorySchema,
  },
  'usage.heat': {
    method: 'GET', path: '/usage/heat', tag: 'hosts', access: 'viewer', status: 200,
    summary: 'Say how much of each host was used in the last hour', query: inPool, response: usageHeatSchema,
  },
} as const satisfies Record<string, Route>;
