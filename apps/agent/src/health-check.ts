import { runProgram } from '@argosy/program/run-program';

const longestMs = 20_000;

/**
 * A program of the administrator's own (disks' SMART values, memory errors, a UPS): it ends with 0 while the host is
 * well. Anything else is a host that is about to fail, and the last line that it printed says why. One that does not end
 * hangs on something of the host that does not answer, and that is no sign of health either.
 */
export async function checkHealth(program: string, deadlineMs = longestMs): Promise<string | null> {
  const end = await runProgram(program, { deadlineMs });
  const said = end.output.trim().split('\n').at(-1);
  if (end.how === 'not-started') return `the health check cannot be run: ${said}`;
  if (end.how === 'late')
    return `the health check did not end within ${deadlineMs / 1000} s${said ? `; it said last: ${said}` : ''}`;
  if (end.status === 0) return null;
  return said || `the health check says nothing; it ended with ${end.signal ?? `status ${end.status}`}`;
}
