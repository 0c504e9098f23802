// Tables and the demo's report, as text.

/** @typedef {import('./api.mjs').Drill} Drill */
/** @typedef {import('./demo.mjs').Rebalance} Rebalance */

/**
 * @param {readonly (readonly string[])[]} rows the first is the head
 * @param {{ right?: readonly number[] }} [columns] those with numbers
 * @returns {string}
 */
export function table(rows, { right = [] } = {}) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const cell = (/** @type {string} */ text, /** @type {number} */ column) =>
    right.includes(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return rows.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd()).join('\n');
}

/**
 * @param {number | null} value
 * @returns {string}
 */
function milliseconds(value) {
  return value === null ? '–' : `${Math.round(value)} ms`;
}

/**
 * @param {boolean | null} met
 * @returns {string}
 */
function verdict(met) {
  return met === null ? '–' : met ? 'met' : 'NOT MET';
}

/**
 * A phase with an objective that was never reached counts as not met.
 * @param {Drill} drill
 * @returns {boolean}
 */
export function isDrillMet(drill) {
  if (drill.verdict !== 'met') return false;
  return drill.phases.every((phase) => phase.objectiveMs === null || phase.met === true);
}

/**
 * @param {Rebalance} rebalance
 * @returns {string}
 */
function heldBack({ automation, recommendedCount }) {
  return `  automation is ${automation}: ${recommendedCount} moves are recommended and wait for "npx argosy balance apply --all"`;
}

/**
 * @param {Rebalance} rebalance
 * @returns {string}
 */
export function rebalanceReport(rebalance) {
  const { hostName, guestNames, moves, rateBefore, rateAfter, met } = rebalance;
  const rows = moves.map((move) => [
    move.guestName,
    `${move.from} → ${move.to}`,
    milliseconds(move.tookMs),
    milliseconds(move.guestSeenDowntimeMs ?? move.downtimeMs),
    move.reason,
  ]);
  const change = rateBefore > 0 ? `, ${(rateAfter / rateBefore).toFixed(2)} times as much` : '';
  return [
    `Rebalance: ${guestNames.length} guests of ${hostName} loaded; Argosy moved ${moves.length} guests live`,
    ...(rebalance.automation === 'full' ? [] : [heldBack(rebalance)]),
    ...(rows.length > 0 ? [table([['guest', 'move', 'took', 'downtime', 'why'], ...rows], { right: [2, 3] })] : []),
    `  work done by the loaded guests: ${Math.round(rateBefore)}/s before, ${Math.round(rateAfter)}/s after${change}: ${verdict(met)}`,
  ].join('\n');
}

/**
 * @param {Drill} drill
 * @param {string} hostName
 * @returns {string}
 */
export function drillReport(drill, hostName) {
  const phases = drill.phases.map((phase) => [
    phase.name,
    milliseconds(phase.objectiveMs),
    milliseconds(phase.predictedMs),
    milliseconds(phase.measuredMs),
    verdict(phase.met),
  ]);
  const outages = drill.outages.map((outage) => [
    outage.guestName,
    milliseconds(outage.predictedMs),
    milliseconds(outage.outageMs),
  ]);
  return [
    `Drill: loss of host ${hostName}: ${drill.state}, ${drill.verdict ?? 'no verdict'}`,
    table([['phase', 'objective', 'predicted', 'measured', ''], ...phases], { right: [1, 2, 3] }),
    ...(outages.length > 0 ? ['', table([['guest', 'predicted', 'outage'], ...outages], { right: [1, 2] })] : []),
    ...(drill.explanation === '' ? [] : [`  ${drill.explanation}`]),
  ].join('\n');
}
