import { Alert, Button, Card, CardBody, CardTitle, Form, Spinner, TextInput, FormGroup } from '@patternfly/react-core';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client';
import { ApiError, unreachable } from '../api/error';
import { signIn } from '../api/session';

export function SignIn({ failure, isWaiting }: { readonly failure: ApiError | null; readonly isWaiting: boolean }) {
  const [token, setToken] = useState('');
  const [error, setError] = useState<ApiError | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const shown = error ?? failure;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const typed = token.trim();
    if (typed === '' || isBusy) return;
    setIsBusy(true);
    call('whoami', {}, { token: typed })
      .then(
        (who) => signIn(typed, who),
        (thrown: unknown) => setError(thrown instanceof ApiError ? thrown : unreachable()),
      )
      .finally(() => setIsBusy(false));
  };
  return (
    <main className="sign-in">
      <Card>
        <CardTitle component="h1">Argosy</CardTitle>
        <CardBody>
          {isWaiting ? (
            <p aria-live="polite">
              <Spinner size="md" aria-label="Signing in" /> {failure ? failure.message : 'Signing in'}
            </p>
          ) : (
            <Form onSubmit={submit}>
              <p>
                Type in a token. The first one is in the file “token” of the controller’s state folder;{' '}
                <code>argosy token create</code> makes others.
              </p>
              <FormGroup label="Token" fieldId="token">
                <TextInput
                  id="token"
                  type="password"
                  autoComplete="current-password"
                  value={token}
                  onChange={(_event, typed) => setToken(typed)}
                  autoFocus
                />
              </FormGroup>
              {shown && (
                <Alert isInline variant="danger" title={error ? 'That did not work' : 'The token was refused'}>
                  {shown.message}
                </Alert>
              )}
              <Button type="submit" isDisabled={token.trim() === ''} isLoading={isBusy}>
                Sign in
              </Button>
            </Form>
          )}
        </CardBody>
      </Card>
    </main>
  );
}
