import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import type { VmmCommand, VmmEvent, VmmInstance, VmmSample, VmmState } from '@argosy/control/ports/vmm-driver';
import { Refused } from '../refused';
import { instanceFolder } from './guest-console';
import { RunnerLink, type RunnerAnswer, type RunnerPlace } from './runner-link';

type Listed = readonly { readonly instance: VmmInstance; readonly state: VmmState }[];

const keyOf = ({ guestId, epoch }: VmmInstance): string => `${guestId}:${epoch}`;

interface SlotOwner {
  readonly mayStart: boolean;
  tell(event: VmmEvent): void;
}

class OtherRelease extends Refused {}

/** The place of one process that runs guests: it may not be there yet, or not any more. */
export class RunnerSlot {
  readonly mayStart: boolean;
  private link: Promise<RunnerLink | undefined> | null = null;
  private current: RunnerLink | null = null;
  /** Those that are in the process, as far as this agent knows. */
  private readonly known = new Map<string, VmmInstance>();
  /** Those of them that it has not answered for yet. */
  private readonly opening = new Set<string>();
  /** Those that ended with their process. */
  private readonly ended = new Map<string, VmmInstance>();
  private lastList: Listed = [];
  private lastSamples: readonly VmmSample[] = [];
  private isClosed = false;

  constructor(
    private readonly place: RunnerPlace,
    private readonly owner: SlotOwner,
  ) {
    this.mayStart = owner.mayStart;
  }

  get guests(): number {
    return this.known.size;
  }

  get silentMs(): number {
    return this.current?.silentMs ?? 0;
  }

  knows(instance: VmmInstance): boolean {
    return this.known.has(keyOf(instance)) || this.ended.has(keyOf(instance));
  }

  /** The process of an earlier agent, and its guests. Refuses where it is of another release: nobody here knows what it runs. */
  async adopt(): Promise<void> {
    const link = await this.linked(false).catch((error: unknown) => {
      if (error instanceof OtherRelease) throw error;
      return undefined;
    });
    if (link) await this.list();
  }

  private linked(mayStart: boolean): Promise<RunnerLink | undefined> {
    if (this.current) return Promise.resolve(this.current);
    this.link ??= this.connect(mayStart).finally(() => (this.link = null));
    return this.link.then((link) => link ?? (mayStart && !this.isClosed ? this.linked(true) : undefined));
  }

  private async connect(mayStart: boolean): Promise<RunnerLink | undefined> {
    const link = await RunnerLink.open(this.place, { mayStart });
    if (!link) return undefined;
    link.onEvent = (event) => this.hear(event);
    link.onEnd = (reason) => this.hasEnded(link, reason);
    this.current = link;
    if (this.isClosed) link.close();
    const begun = await link.begin();
    if (typeof begun === 'string' || begun.ok) return link;
    this.current = null;
    link.close();
    throw new OtherRelease(begun.refusal);
  }

  private hear(event: VmmEvent): void {
    this.owner.tell(event);
    // What ended before it ran is forgotten there.
    if (event.kind === 'exited') void this.list().catch(() => undefined);
  }

  private hasEnded(link: RunnerLink, reason: string | null): void {
    if (this.current !== link) return;
    this.current = null;
    if (reason === null) return;
    const lost = [...this.known];
    this.known.clear();
    for (const [key, instance] of lost) {
      const wasAlive = this.lastList.every(
        (one) => keyOf(one.instance) !== key || (one.state !== 'stopped' && one.state !== 'crashed'),
      );
      this.ended.set(key, instance);
      if (wasAlive) this.owner.tell({ kind: 'exited', instance, how: 'crashed', reason });
    }
  }

  close(): void {
    this.isClosed = true;
    this.current?.close();
  }

  async kill(): Promise<void> {
    await this.current?.kill();
  }

  forget(instance: VmmInstance): void {
    this.known.delete(keyOf(instance));
    if (!this.ended.delete(keyOf(instance))) return;
    rmSync(instanceFolder(dirname(this.place.folder), instance), { recursive: true, force: true });
  }

  forgetEnded(guestId: string): void {
    for (const instance of this.ended.values()) if (instance.guestId === guestId) this.forget(instance);
  }

  get folders(): string[] {
    return [...this.known.values(), ...this.ended.values()].map((each) => instanceFolder('', each));
  }

  /** To a process that must be there for it; `stop` of what ended with it succeeds. */
  async ask(command: VmmCommand, key: string | null): Promise<Result<unknown>> {
    const link = this.current ?? (await this.linked(false));
    return this.answerOf(command, link ? await link.do(command, key) : 'gone');
  }

  async open(
    instance: VmmInstance,
    command: Extract<VmmCommand, { call: 'start' | 'prepareIncoming' }>,
    secret: string | null,
  ): Promise<Result<unknown>> {
    const wasKnown = this.known.has(keyOf(instance));
    const key = keyOf(instance);
    this.known.set(key, instance);
    this.opening.add(key);
    const answer = await this.openIn(command, secret).finally(() => this.opening.delete(key));
    if (!wasKnown && (typeof answer === 'string' || !answer.ok)) this.forget(instance);
    return this.answerOf(command, answer);
  }

  private async openIn(command: VmmCommand, key: string | null): Promise<RunnerAnswer> {
    let answer = await (await this.linked(true))!.do(command, key);
    // It had ended already, and that was not known yet: nothing of this is anywhere.
    if (answer === 'gone') answer = await (await this.linked(true))!.do(command, key);
    return answer;
  }

  private answerOf(command: VmmCommand, answer: RunnerAnswer): Result<unknown> {
    if (typeof answer !== 'string') return answer;
    if (answer === 'gone' && command.call === 'stop') return accepted(null);
    if (answer === 'gone')
      return refused('guest-not-running', `the process that ran it is gone, and ${command.call} cannot be done`);
    return refused(
      'vmm-timeout',
      `the process of this host's guests does not answer, and ${command.call} was not done`,
    );
  }

  /** Work that is not a guest's, or whose guest is gone: any process does it. */
  async askAnybody(command: VmmCommand): Promise<Result<unknown> | 'gone'> {
    const link = (await this.linked(true))!;
    const answer = await link.do(command, null);
    return answer === 'gone' ? 'gone' : this.answerOf(command, answer);
  }

  async ifThere(command: VmmCommand): Promise<void> {
    await this.current?.do(command, null);
  }

  async list(): Promise<Listed> {
    const link = this.current ?? (await this.linked(false));
    const answer = link ? await link.do({ call: 'list' }, null) : 'gone';
    if (typeof answer !== 'string' && answer.ok) {
      this.lastList = answer.value as Listed;
      const listed = new Map(this.lastList.map(({ instance }) => [keyOf(instance), instance]));
      for (const key of this.known.keys()) if (!listed.has(key) && !this.opening.has(key)) this.known.delete(key);
      for (const [key, instance] of listed) this.known.set(key, instance);
    }
    const here = answer === 'gone' ? [] : this.lastList;
    return [...here, ...[...this.ended.values()].map((instance) => ({ instance, state: 'crashed' as const }))];
  }

  /** Of one that does not answer in time, the last that it said, and for how long it has been silent. */
  async usage(withinMs: number): Promise<readonly VmmSample[]> {
    const link = this.current;
    if (!link) return [];
    const answer = await Promise.race([link.do({ call: 'usage' }, null), sleep(withinMs, 'late' as const)]);
    if (answer === 'gone') return [];
    if (typeof answer !== 'string' && answer.ok) this.lastSamples = answer.value as readonly VmmSample[];
    const { silentMs } = link;
    return this.lastSamples.map((sample) => ({ ...sample, vmmSilentMs: silentMs }));
  }
}
