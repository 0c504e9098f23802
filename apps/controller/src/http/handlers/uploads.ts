import type { Datastore } from '@argosy/domain/storage';
import { refuse, type Answer, type Handlers } from '../answer';
import type { HttpPorts } from '../ports';
import { findRow, listRows } from '../references';

export const unknownUpload = (id: string) =>
  refuse(
    'unknown-upload',
    `There is no upload ${JSON.stringify(id)}: it was finished or given up, or its datastore is away.`,
  );

/** Disks that are sent over the API; their parts come by a route of their own, which takes no JSON. */
export function uploadHandlers({ gateway, uploads }: Pick<HttpPorts, 'gateway' | 'uploads'>) {
  return {
    'image.upload': async ({ body: { datastore: reference, ...plan } }) => {
      const datastore = chosen(reference);
      return datastore.ok ? uploads.begin(datastore.value, plan) : datastore;
    },
    'image.upload-get': async ({ params }) => {
      const found = await uploads.get(params.upload);
      return found ? { ok: true, value: found } : unknownUpload(params.upload);
    },
    'image.upload-finish': async ({ params, caller }) =>
      (await uploads.finish(params.upload, caller.name)) ?? unknownUpload(params.upload),
    'image.upload-abort': async ({ params }) => {
      const answer = await uploads.abort(params.upload);
      if (!answer.ok) return answer;
      return answer.value ? { ok: true, value: null } : unknownUpload(params.upload);
    },
  } satisfies Partial<Handlers>;

  function chosen(reference: string | undefined): Answer<Datastore> {
    if (reference !== undefined) return findRow(gateway.fleet, 'datastore', reference);
    const shared = listRows(gateway.fleet, 'datastore').filter((each) => each.shared);
    const [first] = shared;
    if (first && shared.length === 1) return { ok: true, value: first };
    const names = shared.map(({ name }) => name).join(', ');
    return refuse(
      'unknown-datastore',
      first
        ? `Name the datastore: there are ${shared.length} (${names}).`
        : 'There is no shared datastore yet; make one first.',
    );
  }
}
