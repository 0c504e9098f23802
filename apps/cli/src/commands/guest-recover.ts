import { command } from '../command';
import { usageFailure } from '../failure';
import { guestView } from '../output/inventory-views';

export const recoverCommand = command({
  path: 'guest recover',
  summary: 'let a guest go on from the disk that it left, where that was moving to a place that is lost',
  parameters: [{ name: 'guest', names: 'guest' }],
  flags: {
    'from-source': { type: 'flag', summary: 'from the disk that it left: what it wrote to the other is lost' },
  },
  examples: ['guest recover web --from-source', 'guest recover web --from-source --yes'],
  run: async (session, { parameters, flags }) => {
    if (!flags['from-source'])
      throw usageFailure(
        'From which disk is not said.',
        `There is one choice: argosy guest recover ${parameters.guest} --from-source. It says what would be lost before it does anything.`,
      );
    const recover = (planOnly: boolean) =>
      session.api.call('guest.recover', { params: parameters, body: { from: 'source', planOnly } });
    const plan = await recover(true);
    await session.confirm(
      parameters.guest,
      `start guest ${parameters.guest} from the disk that it left. ${plan.loses.replace(/\.$/, '')}`,
    );
    await recover(false);
    const row = await session.api.call('guest.get', { params: parameters });
    session.printDone(guestView, row, `Guest ${row.name} goes on from the disk that it left. ${plan.loses}`);
    return 'done';
  },
});
