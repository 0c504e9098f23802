import { edgeErrorStatus, refusalStatus } from '@argosy/contracts/errors';
import { exitNameOf, exitStatuses } from './exit-status';

test('the numbers are those that scripts rely on', () => {
  expect(Object.fromEntries(Object.entries(exitStatuses).map(([name, { status }]) => [name, status]))).toEqual({
    done: 0,
    refused: 1,
    usage: 2,
    unreachable: 3,
    forbidden: 4,
    'not-found': 5,
    'timed-out': 6,
    missed: 7,
    failed: 8,
    internal: 9,
    interrupted: 130,
  });
});

test('a code that is not known yet ends by its HTTP status', () => {
  expect([401, 403, 404, 409, 422, 500, 503, 504].map((status) => exitNameOf('new-code', status))).toEqual([
    'forbidden',
    'forbidden',
    'not-found',
    'refused',
    'refused',
    'internal',
    'unreachable',
    'timed-out',
  ]);
});

test('every 404 of the server is not found, and every 401 and 403 is forbidden', () => {
  for (const [code, status] of Object.entries({ ...refusalStatus, ...edgeErrorStatus })) {
    if (status === 404) expect([code, exitNameOf(code)]).toEqual([code, 'not-found']);
    if (status === 401 || status === 403) expect([code, exitNameOf(code)]).toEqual([code, 'forbidden']);
  }
});
