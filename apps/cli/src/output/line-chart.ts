export interface Series {
  /** Names and labels are put into the picture as they are. */
  readonly name: string;
  readonly colour: string;
  readonly values: readonly number[];
}

const width = 600;
const height = 240;
const margin = { left: 52, right: 10, top: 8, bottom: 24 };
/** More points than this cannot be told apart on a screen; each that is drawn is the largest of those it stands for. */
const mostPoints = 600;

/** Lines over time as an SVG, from 0 up; values are a step apart. */
export function lineChart(series: readonly Series[], stepSeconds: number, label: string): string {
  const count = Math.max(1, ...series.map(({ values }) => values.length));
  const top = niceTop(series.reduce((most, { values }) => values.reduce((a, b) => Math.max(a, b), most), 0));
  const x = (index: number): number =>
    margin.left + ((width - margin.left - margin.right) * index) / Math.max(1, count - 1);
  const y = (value: number): number => height - margin.bottom - ((height - margin.top - margin.bottom) * value) / top;
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">`,
    ...valueAxis(top, y),
    ...timeAxis(count, stepSeconds, x),
    ...series.map(({ name, colour, values }) => {
      const points = thin(values).map(([index, value]) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`);
      return `<path d="M${points.join('L')}" stroke="${colour}"><title>${name}</title></path>`;
    }),
    '</svg>',
  ].join('');
}

function valueAxis(top: number, y: (value: number) => number): string[] {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(top * part).toFixed(1);
    const text = (top * part).toLocaleString('en', { maximumSignificantDigits: 3 });
    return (
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>` +
      `<text x="${margin.left - 6}" y="${at}" dy="4" text-anchor="end">${text}</text>`
    );
  });
}

function timeAxis(count: number, stepSeconds: number, x: (index: number) => number): string[] {
  const hours = (count * stepSeconds) / 3600;
  const everyHours = [0.25, 0.5, 1, 2, 4, 6, 12, 24, 48, 96, 168, 336, 720].find((each) => hours / each <= 8) ?? 2160;
  const marks: string[] = [];
  for (let hour = 0; hour <= hours; hour += everyHours) {
    const text = everyHours >= 24 ? `${hour / 24} d` : `${hour} h`;
    // The first value is of the end of the first step.
    const at = x(Math.max(0, (hour * 3600) / stepSeconds - 1));
    if (at <= width - margin.right)
      marks.push(`<text x="${at.toFixed(1)}" y="${height - 6}" text-anchor="middle">${text}</text>`);
  }
  return marks;
}

function thin(values: readonly number[]): [number, number][] {
  const each = Math.max(1, Math.ceil(values.length / mostPoints));
  const points: [number, number][] = [];
  for (let index = 0; index < values.length; index += each)
    points.push([index, values.slice(index, index + each).reduce((a, b) => Math.max(a, b))]);
  return points;
}

/** The first of 1, 2, 4, 6, 8 and 10 times a power of ten that is not below. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((top) => top >= value) ?? 10 * power;
}
