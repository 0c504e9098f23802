import { Checkbox } from '@patternfly/react-core';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { call } from '../api/client';
import { useNamed } from '../fleet/use-fleet';
import { Dialog } from '../ui/dialog';
import { ChoiceField, TextField } from '../ui/field';
import { numberOf } from '../ui/typed';

/** From an image or a template; the rest has sensible values, and can be changed later. */
export function NewGuestDialog({ pool, onClose }: { readonly pool?: string; readonly onClose: () => void }) {
  const [pools, images, guests] = [useNamed('pool'), useNamed('image'), useNamed('guest')];
  const templates = guests.filter(({ isTemplate }) => isTemplate);
  const sources = [
    ...images.map(({ id, name }) => ({ value: `image:${id}`, label: name })),
    ...templates.map(({ id, name }) => ({ value: `template:${id}`, label: `${name} (template)` })),
  ];
  const [name, setName] = useState('');
  const [poolId, setPoolId] = useState(pool ?? pools[0]?.id ?? '');
  const [source, setSource] = useState(sources[0]?.value ?? '');
  const [vcpus, setVcpus] = useState('1');
  const [memoryMiB, setMemoryMiB] = useState('64');
  const [hasScreen, setHasScreen] = useState(false);
  const [isStarted, setIsStarted] = useState(true);
  const navigate = useNavigate();
  const missing =
    pools.length === 0 ? 'Create a pool first.' : sources.length === 0 ? 'Make an image first, under Images.' : null;
  return (
    <Dialog
      title="Create a guest"
      deed={isStarted ? 'Create and start' : 'Create'}
      isDisabled={name === '' || missing !== null}
      onClose={onClose}
      run={async () => {
        const [kind, id] = source.split(':');
        const guest = await call('guest.create', {
          body: {
            name,
            pool: poolId,
            ...(kind === 'image' ? { image: id } : { template: id }),
            vcpus: numberOf(vcpus),
            memoryMiB: numberOf(memoryMiB),
            ...(hasScreen ? { display: 'standard' as const } : {}),
            start: isStarted,
          },
        });
        await navigate(`/guests/${guest.id}`);
      }}
    >
      {missing !== null && <p>{missing}</p>}
      <TextField
        label="Name"
        isRequired
        value={name}
        onChange={setName}
        help="Lower-case letters, digits and hyphens, like web-1."
      />
      <ChoiceField
        label="Pool"
        value={poolId}
        onChange={setPoolId}
        choices={pools.map((each) => ({ value: each.id, label: each.name }))}
      />
      <ChoiceField label="Made from" value={source} onChange={setSource} choices={sources} />
      <TextField label="Virtual processors" type="number" value={vcpus} onChange={setVcpus} />
      <TextField label="Memory (MiB)" type="number" value={memoryMiB} onChange={setMemoryMiB} />
      <Checkbox
        id="has-screen"
        label="With a screen, keyboard and pointer (6 to 9 MiB more of its host)"
        isChecked={hasScreen}
        onChange={(_event, is) => setHasScreen(is)}
      />
      <Checkbox
        id="start-it"
        label="Start it, on the host that suits it best"
        isChecked={isStarted}
        onChange={(_event, is) => setIsStarted(is)}
      />
    </Dialog>
  );
}
