import { consoleSchema, screenSchema } from './answers';
import { consoleWriteBody } from './bodies';
import { queryNumber, referenceField, strictBody } from './fields';
import type { Route } from './routes';

const guest = strictBody({ guest: referenceField.describe('A guest, by its id or its name.') });

/** What a guest shows and hears: as text on its serial port, and on its screen. */
// prettier-ignore
export const consoleRoutes = {
  'guest.console': {
    method: 'GET', path: '/guests/:guest/console', tag: 'guests', access: 'operator', status: 200,
    summary: "Read the end of a guest's console", params: guest, query: strictBody({ maximumBytes: queryNumber(1, 1_048_576).default(65_536).describe('How much of the end of it.') }),
    response: consoleSchema,
  },
  'guest.console-write': {
    method: 'POST', path: '/guests/:guest/console', tag: 'guests', access: 'operator', status: 204,
    summary: "Type on a guest's console", params: guest, body: consoleWriteBody,
  },
  'guest.screen': {
    method: 'POST', path: '/guests/:guest/screen', tag: 'guests', access: 'operator', status: 201,
    summary: "Open a guest's screen: what is answered names a WebSocket that speaks RFB (VNC) with it, once and within seconds",
    params: guest, response: screenSchema,
  },
} as const satisfies Record<string, Route>;
