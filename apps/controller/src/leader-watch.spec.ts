import { LeaderWatch } from './leader-watch';

/** One second after the other: who is heard in each, by their initials. Value: whether the leader, "l", is cut off at its end. */
function seconds(...heard: string[]): boolean[] {
  let now = 0;
  const watch = new LeaderWatch('m', () => now);
  return heard.map((initials) => {
    now += 1_000;
    for (const initial of initials) watch.hear(initial);
    return watch.isCutOff('l');
  });
}
const times = (count: number, initials: string): string[] => Array.from({ length: count }, () => initials);

test('a leader that is silent for ten seconds while this controller hears itself is cut off', () => {
  const all = seconds(...times(5, 'ml'), ...times(12, 'm'));
  expect(all.indexOf(true)).toBe(15);
});

test('it is not while it is heard, nor because another follower is', () => {
  expect(seconds(...times(40, 'ml'))).not.toContain(true);
  expect(seconds(...times(5, 'ml'), ...times(12, 'mo')).at(-1)).toBe(true);
});

test('where this controller hears nothing either nobody is cut off, and when it hears again counting begins anew', () => {
  const all = seconds(...times(5, 'ml'), ...times(30, ''), ...times(10, 'm'));
  expect(all).not.toContain(true);
  expect(seconds(...times(5, 'ml'), ...times(30, ''), ...times(12, 'm')).at(-1)).toBe(true);
});

test('who begins to lead has as long as anybody, whatever was heard before', () => {
  expect(seconds(...times(10, 'm'))).not.toContain(true);
});
