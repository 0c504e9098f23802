import { routeNames, routes, type Route } from '@argosy/contracts/routes';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { openApiDocument } from '../../apps/controller/src/http/openapi';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly description: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}
const document = openApiDocument() as { readonly paths: Record<string, Record<string, Operation>> };
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

test('a linter has nothing to say, with warnings as errors', () => {
  const said = execFileSync(process.execPath, [join(__dirname, 'lint-openapi.mjs')], {
    input: JSON.stringify(document),
    encoding: 'utf8',
  });
  expect(JSON.parse(said)).toEqual([]);
});

test('every route is there, with its own status, and nothing else but three', () => {
  const byId = new Map(operations.map((operation) => [operation.operationId, operation]));
  expect([...byId.keys()].filter((id) => !(id in routes)).sort()).toEqual(['event.stream', 'health', 'metrics']);
  for (const name of routeNames) {
    const route: Route = routes[name];
    expect(Object.keys(byId.get(name)?.responses ?? {})).toEqual(
      expect.arrayContaining([String(route.status), '401', '403']),
    );
  }
});

test('every parameter is described', () => {
  const undescribed = operations.flatMap(({ operationId, parameters = [] }) =>
    parameters.filter(({ description }) => description === '').map(({ name }) => `${operationId} ${name}`),
  );
  expect(undescribed).toEqual([]);
});
