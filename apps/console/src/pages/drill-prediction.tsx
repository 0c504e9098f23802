import type { RouteCall, RouteResponse } from '@argosy/contracts/routes';
import { Alert, Button } from '@patternfly/react-core';
import { useEffect, useState } from 'react';
import { call } from '../api/client';
import { count, duration } from '../ui/format';
import { messageOf } from '../ui/toasts';

export type DrillBody = RouteCall<'drill.run'>['body'];
type Prediction = RouteResponse<'drill.predict'>;

const phaseWords = {
  inject: 'broken',
  detect: 'noticed',
  fence: 'proved off',
  restart: 'all placed anew',
  alive: 'all serving',
} as const;
const after = (ms: number | null): string => (ms === null ? 'not within two minutes' : `after ${duration(ms)}`);

interface ForecastProps {
  readonly about: string;
  readonly bodyOf: () => DrillBody;
  readonly isDisabled: boolean;
}

/**
 * What the simulator says of a drill before it is begun; nothing is broken by asking. `bodyOf` throws with a sentence if what
 * was typed makes no drill; `about` is what the prediction holds for.
 */
export function DrillForecast({ about, bodyOf, isDisabled }: ForecastProps) {
  const [found, setFound] = useState<{ readonly about: string; readonly prediction: Prediction } | null>(null);
  // One of what was chosen before says nothing of what is chosen now.
  const prediction = found?.about === about ? found.prediction : null;
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => setError(null), [about]);
  const ask = async () => {
    setIsBusy(true);
    setError(null);
    try {
      setFound({ about, prediction: await call('drill.predict', { body: bodyOf() }) });
    } catch (thrown) {
      setError(thrown);
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <div className="forecast">
      <div>
        <Button variant="secondary" isLoading={isBusy} isDisabled={isBusy || isDisabled} onClick={() => void ask()}>
          Predict it
        </Button>
      </div>
      {error !== null && (
        <Alert isInline variant="danger" title="There is no prediction">
          {messageOf(error)}
        </Alert>
      )}
      {prediction && <Predicted prediction={prediction} />}
    </div>
  );
}

function Predicted({ prediction: { phases, outages } }: { readonly prediction: Prediction }) {
  const outs = outages.filter(({ outageMs }) => outageMs !== 0);
  return (
    <div className="move" role="status">
      <ul className="plain-list">
        {phases
          .filter(({ name }) => name !== 'inject')
          .map(({ name, predictedMs }) => (
            <li key={name}>
              {phaseWords[name]} {after(predictedMs)}
            </li>
          ))}
      </ul>
      <p>
        {outs.length === 0
          ? 'No guest should be away.'
          : `${count(outs.length, 'guest')} should be away: ${outs
              .map(
                ({ guestName, outageMs }) =>
                  `${guestName} ${outageMs === null ? 'and not back in two minutes' : `for ${duration(outageMs)}`}`,
              )
              .join(', ')}.`}
      </p>
    </div>
  );
}
