import { Alert, Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { messageOf, useToasts } from './toasts';

/** What `run` gives when there is more to show than that it is done. */
export const stays = Symbol('stays');
/** And when that was the first step of two: what is to be agreed to is shown now. */
export const goesOn = Symbol('goes on');

interface DialogProps {
  readonly title: string;
  readonly children: ReactNode;
  /** What the button says: the deed itself, not "OK". */
  readonly deed: string;
  readonly isDangerous?: boolean;
  readonly isDisabled?: boolean;
  readonly size?: 'small' | 'medium' | 'large';
  readonly run: () => Promise<unknown>;
  readonly onClose: () => void;
}

/**
 * Asks for what is needed, does it, and closes; a refusal is said in the dialog, and nothing that was typed is lost. To
 * somebody who has closed it before the answer, a refusal is said all the same.
 */
export function Dialog(props: DialogProps) {
  const { title, children, deed, isDangerous = false, isDisabled = false, size = 'small', run, onClose } = props;
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  const formId = useId();
  const { complain } = useToasts();
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => void (isShown.current = false);
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    if (isBusy || isDisabled) return;
    setIsBusy(true);
    setError(null);
    run().then(
      (result) => {
        if (result === goesOn) setIsBusy(false);
        else if (result !== stays && isShown.current) onClose();
      },
      (thrown: unknown) => {
        if (!isShown.current) return complain(`${title}: refused`, thrown);
        setError(thrown);
        setIsBusy(false);
      },
    );
  };
  return (
    <Modal isOpen variant={size} onClose={onClose} aria-label={title}>
      <ModalHeader title={title} {...(isDangerous ? { titleIconVariant: 'warning' as const } : {})} />
      <ModalBody>
        <Form id={formId} onSubmit={submit}>
          {children}
          {error !== null && (
            <Alert isInline variant="danger" title="That was refused">
              {messageOf(error)}
            </Alert>
          )}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          type="submit"
          form={formId}
          variant={isDangerous ? 'danger' : 'primary'}
          isDisabled={isDisabled || isBusy}
          isLoading={isBusy}
        >
          {deed}
        </Button>
        <Button variant="link" onClick={onClose}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** One dialog at a time: what is open, and how it is closed. */
export function useDialog<Name extends string>() {
  const [open, setOpen] = useState<Name | null>(null);
  return { open, show: (name: Name) => setOpen(name), close: () => setOpen(null) };
}
