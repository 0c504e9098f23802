import { poolSettingsBody } from '@argosy/contracts/bodies';
import { numberOf } from './typed';

test('a number that was cleared is refused with the rule, also where 0 would be allowed', () => {
  const of = (text: string) => poolSettingsBody.safeParse({ failure: { maximumSilentHosts: numberOf(text) } });
  expect(of('0').data).toEqual({ failure: { maximumSilentHosts: 0 } });
  expect(of('').error?.issues[0]?.message).toBe('must be a whole number from 0 to 100000');
});
