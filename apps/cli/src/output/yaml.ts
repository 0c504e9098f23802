/** Words that a YAML 1.1 or 1.2 reader would take for something else than text. */
const reserved = /^(?:~|null|true|false|yes|no|on|off|y|n|\.inf|\.nan|[-+]?\.?\d.*|0[xo].*|<<|=)$/i;
const simple = /^[\p{L}\p{N}_/.(][\p{L}\p{N}_\-/.,;%@()+ '"=<>|–…:#]*$/u;

function scalar(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? 'null' : (JSON.stringify(value) ?? 'null');
  const isSimple = simple.test(value) && !reserved.test(value) && !/: |:$| #| $/.test(value);
  // JSON's strings are YAML's double-quoted ones, once the line separators that only JSON allows are escaped.
  return isSimple
    ? value
    : JSON.stringify(value).replace(
        /[\u007f-\u009f\u2028\u2029\ufeff]/g,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
}

function isCollection(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function lines(value: object, indent: string): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) => {
      if (!isCollection(item)) return [`${indent}- ${scalar(item)}`];
      const [first = '', ...rest] = block(item, `${indent}  `);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .flatMap(([key, item]: [string, unknown]) => {
      const name = `${indent}${scalar(key)}:`;
      if (!isCollection(item)) return [`${name} ${scalar(item)}`];
      if (isEmpty(item)) return [`${name} ${Array.isArray(item) ? '[]' : '{}'}`];
      return [name, ...lines(item, `${indent}  `)];
    });
}

function isEmpty(value: object): boolean {
  return Array.isArray(value) ? value.length === 0 : Object.values(value).every((item) => item === undefined);
}

function block(value: object, indent: string): string[] {
  return isEmpty(value) ? [`${indent}${Array.isArray(value) ? '[]' : '{}'}`] : lines(value, indent);
}

/** Block style, for what JSON can say. */
export function toYaml(value: unknown): string {
  return `${isCollection(value) ? block(value, '').join('\n') : scalar(value)}\n`;
}
