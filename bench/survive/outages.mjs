// The loss of a host under thirty guests, twenty times: what each guest missed, by its own heartbeat.

import { atMost, longest, median, spread } from '../figures.mjs';
import { figureOf, loseHosts } from '../lab/host-loss.mjs';

/** @typedef {import('../figures.mjs').Figure} Figure */
/** @typedef {import('../figures.mjs').Context} Context */

const guestCount = 30;
const detectTargetMs = 3_000;
const medianTargetMs = 4_000;
const longestTargetMs = 6_000;

export const outages = {
  name: 'outages',
  title: `the power of one of 3 hosts is cut, under ${guestCount} guests of 32 MiB`,
  measure,
};

/**
 * @param {Context} context
 * @returns {Promise<Figure[]>}
 */
async function measure(context) {
  const drills = await loseHosts(context, { guests: guestCount, drills: context.quick ? 2 : 20 });
  const all = drills.flatMap((drill) => drill.outages.map(({ outageMs }) => outageMs));
  const measured = all.flatMap((outageMs) => outageMs ?? []);
  const isComplete = measured.length === all.length && measured.length > 0;
  const lost = drills.map((drill) => drill.outages.length);
  const remark = `${guestCount} guests were on the lab's 3 hosts, of which ${Math.min(...lost)} to ${Math.max(...lost)} on the one that was lost; ${all.length} outages in ${drills.length} drills, from the cut to the guest's first heartbeat afterwards: ${measured.length > 0 ? spread(measured) : 'none measured'}`;
  return [
    figureOf(drills, { name: 'outages.detected', phase: 'detect', target: detectTargetMs, judged: 'longest' }),
    atMost({
      name: 'outages.median',
      value: isComplete ? median(measured) : null,
      unit: 'ms',
      reference: null,
      target: medianTargetMs,
      remark,
    }),
    atMost({
      name: 'outages.longest',
      value: longest(all),
      unit: 'ms',
      reference: null,
      target: longestTargetMs,
      remark,
    }),
  ];
}
