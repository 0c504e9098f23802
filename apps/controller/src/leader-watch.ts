/** For so long the leader's heartbeat is missing while one's own comes back. */
const cutOffAfterMs = 10_000;
/** Controllers speak several times a second: a gap in one's own words is one of the channel, and all counting begins anew. */
const channelGapMs = 2_000;

/**
 * What a controller that follows hears of the one that leads. A leader that is cut off from Redis, and not from the database,
 * renews its lease for ever; it hears no host, and so it does nothing, whatever fails. Only somebody who hears Redis can tell.
 */
export class LeaderWatch {
  private ownAt = -Infinity;
  private ownSince = -Infinity;
  private leader = '';
  private leaderAt = -Infinity;

  constructor(
    private readonly own: string,
    /** In ms, and never set. */
    private readonly now: () => number,
  ) {}

  hear(controllerId: string): void {
    const now = this.now();
    if (controllerId === this.leader) this.leaderAt = now;
    if (controllerId !== this.own) return;
    if (now - this.ownAt > channelGapMs) this.ownSince = now;
    this.ownAt = now;
  }

  /** Asked at each look at the lease: who has only begun to lead has not been silent yet. */
  isCutOff(leader: string): boolean {
    const now = this.now();
    if (leader !== this.leader) [this.leader, this.leaderAt] = [leader, now];
    if (now - this.ownAt > channelGapMs) return false;
    return now - Math.max(this.ownSince, this.leaderAt) > cutOffAfterMs;
  }
}
