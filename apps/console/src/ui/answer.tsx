import { Alert, AlertActionLink, Button } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { instant } from './format';
import { Nothing, Waiting } from './page';
import { messageOf } from './toasts';

interface AnswerProps<Data> {
  readonly of: {
    readonly data: Data | undefined;
    readonly error: Error | null;
    readonly dataUpdatedAt: number;
    readonly refetch: () => Promise<unknown>;
  };
  /** What cannot be read, if it cannot: "The events". */
  readonly what: string;
  readonly children: (data: Data) => ReactNode;
}

/** What was asked of the server. What was read once stays on the page when it cannot be read again, and its age is said. */
export function Answer<Data>({ of: { data, error, dataUpdatedAt, refetch }, what, children }: AnswerProps<Data>) {
  const again = () => void refetch();
  if (data === undefined && error === null) return <Waiting />;
  if (data === undefined)
    return (
      <Nothing
        title={`${what} could not be read`}
        action={
          <Button variant="secondary" onClick={again}>
            Try again
          </Button>
        }
      >
        {messageOf(error)}
      </Nothing>
    );
  return (
    <>
      {error !== null && (
        <Alert
          isInline
          variant="warning"
          title={`${what} could not be read again: this was read ${instant(dataUpdatedAt)}`}
          actionLinks={<AlertActionLink onClick={again}>Try again</AlertActionLink>}
        >
          {messageOf(error)}
        </Alert>
      )}
      {children(data)}
    </>
  );
}
