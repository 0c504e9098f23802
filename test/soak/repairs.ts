interface Repair {
  readonly what: string;
  readonly title: string;
  /** What it says is told with its title. */
  readonly run: () => Promise<string | void>;
  readonly timer: NodeJS.Timeout;
}

/** What is broken now, and will be mended after a while, or at once when the soak rests. */
export class Repairs {
  private readonly open = new Set<Repair>();
  private readonly begun = new Set<Repair>();
  private readonly running = new Set<Promise<void>>();
  /** When the last one of the control plane was done, by performance.now(). */
  wholeSince = performance.now();

  constructor(
    private readonly note: (text: string) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  isBroken(what: string): boolean {
    return [...this.open].some((repair) => repair.what === what);
  }

  /** Redis, database or a controller: guests that are down may wait for them. */
  get isControlPlaneWhole(): boolean {
    return !['Redis', 'database', 'controller'].some((what) => this.isBroken(what));
  }

  after(delayMs: number, what: string, title: string, run: Repair['run']): void {
    const repair: Repair = { what, title, run, timer: setTimeout(() => this.mend(repair), delayMs) };
    this.open.add(repair);
  }

  /** Once: a server that is being started would be stopped by a second start. */
  private mend(repair: Repair): void {
    clearTimeout(repair.timer);
    if (this.begun.has(repair)) return;
    this.begun.add(repair);
    const done = repair
      .run()
      .then((said) => this.note(`  ${repair.title}${said ? `: ${said}` : ''}`))
      .catch((error: unknown) => this.failed(error))
      .finally(() => {
        this.open.delete(repair);
        this.begun.delete(repair);
        this.running.delete(done);
        this.wholeSince = performance.now();
      });
    this.running.add(done);
  }

  /** Servers first: the others may need them. */
  async all(): Promise<void> {
    const order = ['database', 'Redis', 'controller'];
    for (const what of order) {
      for (const repair of [...this.open]) if (repair.what === what) this.mend(repair);
      await Promise.all(this.running);
    }
    for (const repair of [...this.open]) this.mend(repair);
    await Promise.all(this.running);
  }
}
