import type { Instant } from '@argosy/domain/units';
import { withDeadline } from './deadline';
import type { FleetGateway, ServerFacts } from './ports';

export interface HealthReport {
  readonly status: 'ok' | 'degraded';
  readonly leading: boolean;
  readonly database: 'up' | 'down';
  readonly redis: 'up' | 'down';
  /** The fleet's time, in ms since 1970 (UTC): agents set their clocks by it. */
  readonly at: Instant;
}

const probeTimeoutMs = 1000;
const keepMs = 500;

/** Whether what the controller stands on answers. Asked often, it probes at most twice a second. */
export class Health {
  private checked: Promise<readonly ['up' | 'down', 'up' | 'down']> | undefined;
  private checkedAt = 0;

  constructor(
    private readonly server: ServerFacts,
    private readonly gateway: FleetGateway,
  ) {}

  async check(): Promise<HealthReport> {
    const now = performance.now();
    if (!this.checked || now - this.checkedAt > keepMs) {
      const { probes } = this.server;
      this.checked = Promise.all([answers(() => probes.database()), answers(() => probes.redis())]);
      this.checkedAt = now;
    }
    const [database, redis] = await this.checked;
    const isOk = database === 'up' && redis === 'up';
    const at = this.server.now();
    return { status: isOk ? 'ok' : 'degraded', leading: this.gateway.leading, database, redis, at };
  }
}

function answers(probe: () => Promise<unknown>): Promise<'up' | 'down'> {
  const up = async () => {
    await probe();
    return 'up' as const;
  };
  const word = up().catch(() => 'down' as const);
  return withDeadline(word, probeTimeoutMs, 'down' as const);
}
