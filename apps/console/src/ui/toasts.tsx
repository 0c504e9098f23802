import { Alert, AlertActionCloseButton, AlertGroup } from '@patternfly/react-core';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { ApiError } from '../api/error';

interface Toast {
  readonly id: number;
  readonly title: string;
  readonly text: string;
  readonly variant: 'danger' | 'success';
}

interface Toasts {
  readonly say: (title: string, text?: string) => void;
  readonly complain: (title: string, error: unknown) => void;
}

const context = createContext<Toasts>({ say: () => undefined, complain: () => undefined });
export const useToasts = (): Toasts => useContext(context);

export const messageOf = (error: unknown): string =>
  error instanceof ApiError || error instanceof Error ? error.message : String(error);

const shownMs = 6000;
let nextId = 1;

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const close = useCallback((id: number) => setToasts((all) => all.filter((each) => each.id !== id)), []);
  const add = useCallback((toast: Omit<Toast, 'id'>) => setToasts((all) => [...all, { id: nextId++, ...toast }]), []);
  const value = useMemo<Toasts>(
    () => ({
      say: (title, text = '') => add({ title, text, variant: 'success' }),
      complain: (title, error) => add({ title, text: messageOf(error), variant: 'danger' }),
    }),
    [add],
  );
  return (
    <context.Provider value={value}>
      {children}
      <AlertGroup isToast isLiveRegion>
        {toasts.map(({ id, title, text, variant }) => (
          <Alert
            key={id}
            title={title}
            variant={variant}
            // What went wrong stays until somebody has read it.
            {...(variant === 'success' ? { timeout: shownMs, onTimeout: () => close(id) } : {})}
            actionClose={<AlertActionCloseButton onClose={() => close(id)} />}
          >
            {text}
          </Alert>
        ))}
      </AlertGroup>
    </context.Provider>
  );
}
