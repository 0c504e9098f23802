export interface ServerSentEvent {
  readonly id: string;
  readonly data: string;
}

/** Takes text as it comes, which may end anywhere, and gives whole events. The controller ends its lines with \n alone. */
export function eventParser(): (chunk: string) => ServerSentEvent[] {
  let rest = '';
  return (chunk) => {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    return blocks.flatMap(parseBlock);
  };
}

function parseBlock(block: string): ServerSentEvent[] {
  let id = '';
  let data: string | null = null;
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) id = line.slice(4);
    if (line.startsWith('data: ')) data = (data === null ? '' : `${data}\n`) + line.slice(6);
  }
  return data === null ? [] : [{ id, data }];
}
