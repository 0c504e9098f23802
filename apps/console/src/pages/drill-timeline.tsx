import type { Drill } from '../fleet/rows';
import { duration } from '../ui/format';

const width = 900;
const labelWidth = 150;
const rowHeight = 24;
/** More guests than that are in the table below. */
const mostGuests = 40;

interface Row {
  readonly name: string;
  readonly doneMs: number | null;
  readonly predictedMs: number | null;
  readonly objectiveMs: number | null;
  readonly className: string;
}

/** From the injection on: what was reached when, and each guest's outage, beside what was predicted and what was asked for. */
export function DrillTimeline({ drill, elapsedMs }: { readonly drill: Drill; readonly elapsedMs: number }) {
  const phases: Row[] = drill.phases.map(({ name, measuredMs, predictedMs, objectiveMs, met }) => ({
    name,
    doneMs: measuredMs,
    predictedMs,
    objectiveMs,
    className: met === false ? 'is-missed' : 'is-phase',
  }));
  const guests: Row[] = drill.outages.slice(0, mostGuests).map(({ guestName, outageMs, predictedMs }) => ({
    name: guestName,
    doneMs: outageMs,
    predictedMs,
    objectiveMs: null,
    className: outageMs === null ? 'is-missed' : 'is-outage',
  }));
  const rows = [...phases, ...guests];
  const known = rows.flatMap(({ doneMs, predictedMs, objectiveMs }) => [doneMs, predictedMs, objectiveMs]);
  const isOver = drill.endedAt !== null;
  const most = Math.max(1000, ...known.map((ms) => ms ?? 0), isOver ? 0 : elapsedMs) * 1.05;
  const x = (ms: number) => labelWidth + (Math.max(0, ms) / most) * (width - labelWidth);
  const height = rows.length * rowHeight + 26;
  const step = [500, 1000, 2000, 5000, 10_000, 20_000, 60_000].find((each) => most / each <= 9) ?? 120_000;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  return (
    <svg
      className="timeline"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label="What was reached when; the tables below have the same figures"
    >
      {ticks.map((ms) => (
        <g key={ms}>
          <line x1={x(ms)} x2={x(ms)} y1={0} y2={height - 20} />
          <text x={x(ms)} y={height - 5} textAnchor="middle">
            {duration(ms)}
          </text>
        </g>
      ))}
      {rows.map(({ name, doneMs, predictedMs, objectiveMs, className }, index) => (
        <g key={`${index} ${name}`} transform={`translate(0 ${index * rowHeight})`}>
          <text x={labelWidth - 8} y={rowHeight / 2 + 4} textAnchor="end">
            {name.length > 18 ? `${name.slice(0, 17)}…` : name}
          </text>
          <rect
            className={doneMs === null && !isOver ? 'is-running' : className}
            x={labelWidth}
            y={5}
            width={Math.max(2, x(doneMs ?? (isOver ? most : elapsedMs)) - labelWidth)}
            height={rowHeight - 10}
          />
          {predictedMs !== null && (
            <line className="is-predicted" x1={x(predictedMs)} x2={x(predictedMs)} y1={2} y2={rowHeight - 2} />
          )}
          {objectiveMs !== null && (
            <line className="is-objective" x1={x(objectiveMs)} x2={x(objectiveMs)} y1={1} y2={rowHeight - 1} />
          )}
        </g>
      ))}
    </svg>
  );
}
