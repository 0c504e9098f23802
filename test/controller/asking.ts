import { setTimeout as sleep } from 'node:timers/promises';
import type { Edge } from './edge';

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: () => object;
}

/** Below the limit of requests, which is not what this is about. */
const pauseMs = 50;

/** Asks each of them again and again. What is returned ends it, and says what was answered, and how often: status and code. */
export function keepAsking({ send }: Edge, questions: readonly Question[]): () => Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  let isOver = false;
  const ask = async ({ method, path, body }: Question): Promise<void> => {
    while (!isOver) {
      const { status, body: said } = await send(method, path, body ? { body: body() } : undefined);
      const key = `${status} ${status < 400 ? '' : (said as { code: string }).code}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      await sleep(pauseMs);
    }
  };
  const askers = questions.map(ask);
  return async () => {
    isOver = true;
    await Promise.all(askers);
    return answers;
  };
}

/** Some of them were not answered as the database was away, and none was refused for another fault of the server's. */
export function expectOnlyAway({ logged }: Edge, answers: ReadonlyMap<string, number>): void {
  const internal = logged.filter((line) => line.startsWith('internal error'));
  expect({ internal, answers: [...answers.keys()].filter((key) => key.startsWith('5')) }).toEqual({
    internal: [],
    answers: ['503 store-unavailable'],
  });
}
