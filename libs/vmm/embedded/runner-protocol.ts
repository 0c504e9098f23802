import type { Result } from '@argosy/domain/refusal';
import type { VmmCommand, VmmEvent } from '@argosy/control/ports/vmm-driver';
import type { AgentFacts } from './runner';

/** One JSON object a line, over a unix socket in the folder of the process that runs the guests. */
export const runnerProtocol = 2;
export const runnerFiles = { socket: 'socket', log: 'log' } as const;

export type ToRunner =
  | ({ readonly ask: 'begin'; readonly id: number; readonly protocol: number } & AgentFacts)
  | { readonly ask: 'answer'; readonly id: number }
  | { readonly ask: 'do'; readonly id: number; readonly command: VmmCommand; readonly key: string | null };

/** A heartbeat's time is this machine's clock's. */
export type FromRunner = { readonly id: number; readonly result: Result<unknown> } | { readonly event: VmmEvent };

/** Lines out of pieces that may end anywhere. */
export class LineReader {
  private rest = '';

  constructor(private readonly hear: (line: string) => void) {}

  push(piece: string): void {
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.hear(line);
  }
}
