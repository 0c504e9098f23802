import { Button } from '@patternfly/react-core';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Guest, Migration } from '../fleet/rows';
import { useRows } from '../fleet/use-fleet';
import { Bar } from '../ui/bar';
import { bytes, duration, instant } from '../ui/format';
import { useToasts } from '../ui/toasts';

/** A move of the guest or of its disk that is under way, and how far it is; or the last one. */
export function GuestMove({ guest }: { readonly guest: Guest }) {
  const own = [...useRows('migration').values()].filter(({ guestId }) => guestId === guest.id);
  const active = own.find(({ endedAt }) => endedAt === null);
  const last = own.filter(({ endedAt, step }) => endedAt !== null && step === 'done').at(-1);
  const path = usePath();
  if (active) return <UnderWay guest={guest} migration={active} path={path(active, guest)} />;
  if (last === undefined) return null;
  return (
    <p className="quiet">
      {last.sourceHostId === last.targetHostId ? 'Its disk was last moved' : 'Last moved'} {instant(last.endedAt!)}{' '}
      {path(last, null)} in {duration(last.endedAt! - last.createdAt)}
      {last.downtimeMs === null ? '' : `; it stood still for ${duration(last.downtimeMs)}`}
      {last.guestSeenDowntimeMs === null ? '' : `, ${duration(last.guestSeenDowntimeMs)} between its heartbeats`}.
    </p>
  );
}

/** From where to where, in words. `guest`: as it is until the move is done. */
function usePath() {
  const [hosts, datastores] = [useRows('host'), useRows('datastore')];
  const host = (id: string) => hosts.get(id)?.name ?? id;
  const datastore = (id: string) => datastores.get(id)?.name ?? id;
  return ({ sourceHostId, targetHostId, targetDatastoreId }: Migration, guest: Guest | null): string => {
    const hostPath = sourceHostId === targetHostId ? '' : `from ${host(sourceHostId)} to ${host(targetHostId)}`;
    if (targetDatastoreId === null) return hostPath;
    const from = guest === null ? '' : `from ${datastore(guest.datastoreId)} `;
    if (hostPath === '') return `${from}to ${datastore(targetDatastoreId)}`;
    return `${hostPath}, its disk ${from}to ${datastore(targetDatastoreId)}`;
  };
}

interface UnderWayProps {
  readonly guest: Guest;
  readonly migration: Migration;
  readonly path: string;
}

function UnderWay({ guest, migration, path }: UnderWayProps) {
  const may = useMay();
  const { say, complain } = useToasts();
  const { id, progress, step, reason, sourceHostId, targetHostId } = migration;
  const done = progress === null ? 0 : progress.totalBytes - progress.remainingBytes;
  const what = sourceHostId === targetHostId ? 'Its disk is moving' : 'Moving';
  const cancel = () =>
    call('migration.cancel', { params: { id } }).then(
      () => say(`The move of ${guest.name} is being cancelled`),
      (error: unknown) => complain(`The move of ${guest.name} goes on`, error),
    );
  return (
    <div className="move" role="status">
      <strong>
        {what} {path}
      </strong>{' '}
      ({step}): {reason}
      {progress !== null && progress.totalBytes > 0 && (
        <Bar
          label="Copied"
          value={done}
          maximum={progress.totalBytes}
          isProgress
          text={`${bytes(progress.transferredBytes)} sent at ${bytes(progress.bytesPerSecond)}/s, ${bytes(progress.remainingBytes)} left`}
        />
      )}
      {may('migration.cancel') && (step === 'copy' || step === 'open-target') && (
        <Button variant="link" isInline onClick={() => void cancel()}>
          Cancel the move
        </Button>
      )}
    </div>
  );
}
