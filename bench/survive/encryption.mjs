// What the encryption of migrations costs: Argosy against bare QMP with the same, and against itself in plain.

import { atMost, median, spread } from '../figures.mjs';
import { movePairs } from '../lab/migration.mjs';
import { setPool } from '../lab/private-lab.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */

const ratioTarget = 1.1;

export const encryption = {
  name: 'encryption',
  title: 'a guest of 128 MiB that dirties 50 MB/s, by TLS with a key for each migration',
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const { lab, argosy, byHand, moveByArgosy } = await movePairs(context, { encrypted: true });
  /** @type {{ plain: typeof argosy, encrypted: typeof argosy }} */
  const { plain, encrypted } = { plain: [], encrypted: [] };
  // In turns, so that both find the machine alike.
  for (let turn = 1; turn <= (context.quick ? 2 : 10); turn += 1) {
    await setPool(lab.api, { migration: { encrypted: false } });
    plain.push(await moveByArgosy());
    await setPool(lab.api, { migration: { encrypted: true } });
    encrypted.push(await moveByArgosy());
  }
  const took = argosy.map(({ tookMs }) => tookMs);
  const bareTook = byHand.map(({ tookMs }) => tookMs);
  const of = (/** @type {typeof argosy} */ moves, /** @type {'gapMs' | 'tookMs'} */ field) =>
    median(moves.map((move) => move[field]));
  return [
    atMost({
      name: 'encryption.against-bare',
      value: median(took) / median(bareTook),
      unit: 'times',
      reference: 1,
      target: ratioTarget,
      remark: `request to commit over bare QMP's start to run, both encrypted: Argosy ${spread(took)} ms, bare ${spread(bareTook)} ms`,
    }),
    atMost({
      name: 'encryption.cost',
      value: of(encrypted, 'tookMs') / of(plain, 'tookMs'),
      unit: 'times',
      reference: 1,
      target: null,
      remark: `request to commit, encrypted ${of(encrypted, 'tookMs').toFixed(0)} ms over plain ${of(plain, 'tookMs').toFixed(0)} ms, in turns`,
    }),
    atMost({
      name: 'encryption.downtime',
      value: of(encrypted, 'gapMs'),
      unit: 'ms',
      reference: of(plain, 'gapMs'),
      target: null,
      remark: 'seen by the guest, median; the reference is the same in plain',
    }),
  ];
}
