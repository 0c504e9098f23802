import { ruleKinds } from '@argosy/domain/entities';
import { command, given } from '../command';
import { ruleView } from '../output/inventory-views';
import { onlyPool } from '../resolve';
import { watchFlag } from './common-flags';

const rule = { name: 'rule', names: 'rule' } as const;

export const ruleCommands = [
  command({
    path: 'rule list',
    summary: 'list the rules on what runs where',
    flags: { pool: { type: 'text', names: 'pool', summary: 'of one pool' }, watch: watchFlag },
    run: async (session, { flags }) => {
      const read = () => session.api.list('rule.list', { query: given({ pool: flags.pool }) });
      if (flags.watch) return session.watch(ruleView, ['rule'], read);
      await session.printRows(ruleView, await read());
      return 'done';
    },
  }),
  command({
    path: 'rule show',
    summary: 'show a rule',
    parameters: [rule],
    run: async (session, { parameters }) => {
      await session.printRow(ruleView, await session.api.call('rule.get', { params: { id: parameters.rule } }));
      return 'done';
    },
  }),
  command({
    path: 'rule create',
    summary:
      'say that guests belong together, apart, spread over failure domains or near each other, or on or off certain hosts',
    parameters: [{ name: 'name' }],
    flags: {
      kind: { type: 'text', choices: ruleKinds, required: true, summary: `one of ${ruleKinds.join(', ')}` },
      guests: { type: 'texts', names: 'guest', required: true, placeholder: 'guest,…', summary: 'which guests' },
      hosts: {
        type: 'texts',
        names: 'host',
        placeholder: 'host,…',
        summary: 'which hosts, for kinds that speak of hosts',
      },
      pool: { type: 'text', names: 'pool', summary: 'where (the only pool, if there is one)' },
    },
    examples: [
      'rule create replicas --kind apart --guests db-1,db-2',
      'rule create racks --kind spread --guests web-1,web-2,web-3',
      'rule create close --kind near --guests shop,database',
      'rule create licence --kind must-run-on --guests erp --hosts h1,h2',
    ],
    run: async (session, { parameters, flags }) => {
      const pool = await onlyPool(session.api, flags.pool);
      const hosts = flags.hosts.length > 0 ? [...flags.hosts] : undefined;
      const body = { name: parameters.name, pool, kind: flags.kind, guests: [...flags.guests], ...given({ hosts }) };
      const row = await session.api.call('rule.create', { body });
      session.printDone(ruleView, row, `Rule ${row.name} holds from now on.`);
      return 'done';
    },
  }),
  command({
    path: 'rule delete',
    summary: 'remove a rule',
    parameters: [rule],
    run: async (session, { parameters }) => {
      await session.confirm(parameters.rule, `remove rule ${parameters.rule}`);
      await session.api.call('rule.remove', { params: { id: parameters.rule } });
      session.printGone('rule', parameters.rule, `Rule ${parameters.rule} is removed.`);
      return 'done';
    },
  }),
];
