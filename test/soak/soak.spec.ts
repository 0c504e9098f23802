// Two minutes of it at a seed that stays; `npm run soak -- --minutes 30 --seed 7` runs it for longer and at others.
import { writeSync } from 'node:fs';
import { runSoak } from './run-soak';

const minutes = Number(process.env['ARGOSY_SOAK_MINUTES'] ?? 2);
const seed = Number(process.env['ARGOSY_SOAK_SEED'] ?? 7);
const isAlone = process.env['ARGOSY_SOAK_MINUTES'] !== undefined;

test(
  `${minutes} minutes of everything that can happen, at seed ${seed}: no guest runs twice, none is lost, nothing differs`,
  async () => {
    const said: string[] = [];
    const say = (line: string): void => {
      said.push(line);
      // Jest holds back what a test prints until the file has ended.
      if (isAlone) writeSync(2, `${line}\n`);
    };
    const { faults, ...figures } = await runSoak({ seed, minutes, hosts: 3, guests: 5, say });
    say(JSON.stringify(figures));
    expect(faults.length === 0 ? [] : [...faults, ...said.slice(-200)]).toEqual([]);
    expect(figures.rests).toBeGreaterThan(0);
  },
  minutes * 60_000 + 240_000,
);
