import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from './generated/client';

export interface DatabaseOptions {
  readonly url: string;
  readonly maximumConnections?: number;
  readonly connectTimeoutMs?: number;
  /** The server ends a statement after this, and the client gives up on a server that does not answer a second later. */
  readonly statementTimeoutMs?: number;
}

/** No call waits for ever: not for a connection, a lock, a server that is stopped, nor a slow statement. */
export function openDatabase({
  url,
  maximumConnections = 10,
  connectTimeoutMs = 2000,
  statementTimeoutMs = 5000,
}: DatabaseOptions): PrismaClient {
  const adapter = new PrismaPg({
    connectionString: url,
    max: maximumConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1000,
    idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    keepAlive: true,
    application_name: 'argosy',
  });
  return new PrismaClient({
    adapter,
    transactionOptions: { maxWait: connectTimeoutMs, timeout: 2 * statementTimeoutMs },
  });
}

interface DriverCause {
  readonly originalCode?: string;
  readonly originalMessage?: string;
}

function driverCause(error: unknown): DriverCause | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined;
  const meta = error.meta as { driverAdapterError?: { cause?: DriverCause } } | undefined;
  return meta?.driverAdapterError?.cause;
}

/** The server's sentence when a constraint or a trigger refused (SQLSTATE class 23), or undefined for any other error. */
export function constraintViolation(error: unknown): string | undefined {
  const cause = driverCause(error);
  return cause?.originalCode?.startsWith('23') ? (cause.originalMessage ?? 'a constraint refused') : undefined;
}
