import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { accepted, refused, type Refusal, type Result } from '@argosy/domain/refusal';
import { parseLine, readLines } from '@argosy/peer/lines';
import type { ModelHost } from '@argosy/simulator/model-host';
import { z } from 'zod';

const requestSchema = z.object({
  id: z.unknown(),
  op: z.string(),
  incarnation: z.int().optional(),
  term: z.int().optional(),
});
type PowerRequest = z.output<typeof requestSchema>;

/** Longer paths the kernel does not take. */
const longestPath = 107;
const longestLine = 4_096;

/**
 * The power switch of one simulated host, which speaks as a lab's chassis does (apps/lab/power.mjs): so controllers fence it,
 * drills cut its power and administrators switch it as they do a real one.
 */
export class PowerSwitch {
  private readonly server: Server;

  constructor(
    private readonly path: string,
    private readonly host: ModelHost,
    /** Brings the model to this moment. */
    private readonly catchUp: () => void,
  ) {
    this.server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      const take = (line: string): void =>
        this.answer(parseLine(line), (response) => {
          if (!socket.destroyed) socket.write(`${JSON.stringify(response)}\n`);
        });
      readLines(socket, take, () => longestLine);
    });
  }

  listen(): Promise<void> {
    if (this.path.length > longestPath)
      throw new Error(
        `the socket ${this.path} would have a path of ${this.path.length} characters, and the kernel takes ${longestPath}: choose a shorter folder`,
      );
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    rmSync(this.path, { force: true });
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.path, () => {
        chmodSync(this.path, 0o600);
        resolve();
      });
    });
  }

  close(): void {
    this.server.close();
    rmSync(this.path, { force: true });
  }

  private answer(line: unknown, reply: (response: object) => void): void {
    const request = requestSchema.safeParse(line);
    if (!request.success)
      return reply({
        ok: false,
        code: 'bad-request',
        message: 'one JSON object a line: { "id", "op", "incarnation"?, "term"? }',
      });
    this.catchUp();
    this.perform(request.data, (response) => reply({ id: request.data.id, ...response }));
  }

  private perform({ op, incarnation, term }: PowerRequest, reply: (response: object) => void): void {
    const begun = performance.now();
    const { host } = this;
    const status = (): object => ({
      ok: true,
      power: host.machine.powered ? 'on' : 'off',
      incarnation: host.incarnation,
      processes: host.machine.instances.size,
    });
    if (op === 'status') return reply(status());
    if (op !== 'on' && op !== 'off' && op !== 'reset')
      return reply({
        ok: false,
        code: 'unknown-op',
        message: `a simulated host knows on, off, reset and status, and not ${JSON.stringify(op)}`,
      });
    // A cut of the power names nobody; a fence names whom it means, and by whose order.
    if (op === 'off' && incarnation !== undefined && term !== undefined)
      return host.fence({ action: 'off', device: { name: 'chassis' }, incarnation, term }, (result) =>
        reply(
          result.ok ? { ...status(), confirmedInMs: Math.round(performance.now() - begun) } : refusalOf(result.refusal),
        ),
      );
    const heard = this.mayBeSwitched(op, { incarnation, term });
    if (!heard.ok) return reply(refusalOf(heard.refusal));
    if (op !== 'on') host.powerOff();
    if (op !== 'off') host.powerOn();
    reply(status());
  }

  /** As a chassis has it: who names a term or an incarnation is held to it, and what is on already need not be the one meant. */
  private mayBeSwitched(
    op: 'on' | 'off' | 'reset',
    { incarnation, term }: Omit<PowerRequest, 'id' | 'op'>,
  ): Result<null> {
    const { host } = this;
    const isOther = incarnation !== undefined && host.machine.powered && incarnation !== host.incarnation;
    if (op !== 'on' && isOther)
      return refused('stale-incarnation', `incarnation ${host.incarnation} lives on ${host.name}, not ${incarnation}`);
    return term === undefined ? accepted(null) : host.hearTerm(term);
  }
}

function refusalOf({ code, message }: Refusal): object {
  return { ok: false, code, message };
}
