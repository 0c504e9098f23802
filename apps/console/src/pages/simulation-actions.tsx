import { useQueryClient } from '@tanstack/react-query';
import { call } from '../api/client';
import { Dialog } from '../ui/dialog';
import type { RouteResponse } from '@argosy/contracts/routes';

type Simulation = RouteResponse<'simulation.list'>['items'][number];

export function RemoveSimulation({
  simulation: { id, title, state },
  onClose,
  onRemoved = () => undefined,
}: {
  readonly simulation: Simulation;
  readonly onClose: () => void;
  readonly onRemoved?: () => void;
}) {
  const cache = useQueryClient();
  return (
    <Dialog
      title={`Remove the simulation ${title}`}
      deed="Remove"
      isDangerous
      onClose={onClose}
      run={async () => {
        await call('simulation.remove', { params: { id } });
        onRemoved();
        await cache.invalidateQueries({ queryKey: ['read', 'simulations'] });
      }}
    >
      <p>{state === 'running' ? 'It is cancelled, and forgotten.' : 'It is forgotten, with its report.'}</p>
    </Dialog>
  );
}
