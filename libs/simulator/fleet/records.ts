/**
 * What has become of hosts and guests, summed up as it happens. A note holds from its time to the next one's; a second
 * note of the same time replaces the first.
 */
export class HostRecord {
  activeSeconds = 0;
  /** Active, and with less than its guests asked for. */
  violatedSeconds = 0;
  shutdowns = 0;
  private readonly at: Float64Array;
  private readonly allocated: Float64Array;
  private readonly requested: Float64Array;
  private readonly wasActive: Uint8Array;

  constructor(hosts: number) {
    this.at = new Float64Array(hosts).fill(-1);
    this.allocated = new Float64Array(hosts);
    this.requested = new Float64Array(hosts);
    // Before its first note a host counts as active: that a host was never needed is a shutdown too, as CloudSim counts.
    this.wasActive = new Uint8Array(hosts).fill(1);
  }

  note(host: number, seconds: number, allocated: number, requested: number): void {
    if (seconds > this.at[host]!) {
      this.settle(host, seconds);
      this.at[host] = seconds;
    }
    this.allocated[host] = allocated;
    this.requested[host] = requested;
  }

  close(): void {
    for (let host = 0; host < this.at.length; host++) this.settle(host, this.at[host]!);
  }

  private settle(host: number, until: number): void {
    const from = this.at[host]!;
    if (from < 0) return;
    const isActive = this.allocated[host]! > 0;
    if (isActive) {
      this.activeSeconds += until - from;
      if (this.allocated[host]! < this.requested[host]!) this.violatedSeconds += until - from;
    } else if (this.wasActive[host]) this.shutdowns++;
    this.wasActive[host] = isActive ? 1 : 0;
  }
}

/** In MHz × seconds, that is in millions of cycles. */
export class GuestRecord {
  requested = 0;
  missing = 0;
  /** What was missing while the guest migrated. */
  missingInMigration = 0;
  private readonly at: Float64Array;
  private readonly allocatedMHz: Float64Array;
  private readonly requestedMHz: Float64Array;
  private readonly migrates: Uint8Array;

  constructor(guests: number) {
    this.at = new Float64Array(guests).fill(-1);
    this.allocatedMHz = new Float64Array(guests);
    this.requestedMHz = new Float64Array(guests);
    this.migrates = new Uint8Array(guests);
  }

  note(guest: number, seconds: number, allocatedMHz: number, requestedMHz: number, migrates: boolean): void {
    const from = this.at[guest]!;
    if (seconds > from) {
      if (from >= 0) this.settle(guest, seconds - from);
      this.at[guest] = seconds;
    }
    this.allocatedMHz[guest] = allocatedMHz;
    this.requestedMHz[guest] = requestedMHz;
    this.migrates[guest] = migrates ? 1 : 0;
  }

  private settle(guest: number, elapsed: number): void {
    const requested = this.requestedMHz[guest]!;
    const missing = requested - this.allocatedMHz[guest]!;
    this.requested += requested * elapsed;
    if (missing <= 0) return;
    this.missing += missing * elapsed;
    if (this.migrates[guest]) this.missingInMigration += missing * elapsed;
  }
}
