import type { Result } from '@argosy/domain/refusal';
import type { Simulation, SimulationReport, SimulationWithReport } from '@argosy/domain/simulation';
import type { Instant } from '@argosy/domain/units';
import { byCreation, createdBefore, createdCursor, newestFirst, type Page, type PageRequest } from './fleet-queries';
import type { Prisma, PrismaClient } from './generated/client';
import { fromRow, toJson } from './rows';

/** A report can be large: a list of simulations comes without. */
const withoutReport = { report: true } as const;

const asJson = (value: object): Prisma.InputJsonObject =>
  JSON.parse(toJson([value]).slice(1, -1)) as Prisma.InputJsonObject;

/** The simulations that were asked of controllers. They are no part of the brain's state, and need no lease. */
export class SimulationStore {
  constructor(private readonly prisma: PrismaClient) {}

  async add({ request, createdAt, ...rest }: Simulation): Promise<void> {
    await this.prisma.simulation.create({
      data: { ...rest, request: asJson(request), createdAt: Math.round(createdAt), endedAt: null },
    });
  }

  /** Value: false if it had ended already, or is there no more. */
  async end(
    id: string,
    {
      state,
      outcome,
      report,
      at,
    }: Pick<Simulation, 'state' | 'outcome'> & { report: SimulationReport | null; at: Instant },
  ): Promise<boolean> {
    const { count } = await this.prisma.simulation.updateMany({
      where: { id, state: 'running' },
      data: {
        state,
        outcome,
        endedAt: Math.round(at),
        ...(state === 'done' && { progress: 1 }),
        ...(report && { report: asJson(report) }),
      },
    });
    return count > 0;
  }

  /** Those that nobody runs any more. */
  async endAllBut(ids: readonly string[], outcome: string, at: Instant): Promise<void> {
    await this.prisma.simulation.updateMany({
      where: { state: 'running', id: { notIn: [...ids] } },
      data: { state: 'failed', outcome, endedAt: Math.round(at) },
    });
  }

  list(page: PageRequest): Promise<Result<Page<Simulation>>> {
    return newestFirst<Simulation>(page, createdCursor, (after, take) =>
      this.prisma.simulation.findMany({ where: createdBefore(after), omit: withoutReport, orderBy: byCreation, take }),
    );
  }

  async get(id: string): Promise<SimulationWithReport | null> {
    const found = await this.prisma.simulation.findUnique({ where: { id } });
    return found && fromRow<SimulationWithReport>(found);
  }

  /** Value: whether it was there. */
  async remove(id: string): Promise<boolean> {
    return (await this.prisma.simulation.deleteMany({ where: { id } })).count > 0;
  }
}
