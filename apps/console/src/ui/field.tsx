import {
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core';
import { type ReactNode, useId } from 'react';

interface FieldProps {
  readonly label: string;
  readonly help?: string;
  readonly isRequired?: boolean;
  readonly children: (id: string) => ReactNode;
}

export function Field({ label, help, isRequired = false, children }: FieldProps) {
  const id = useId();
  return (
    <FormGroup label={label} fieldId={id} isRequired={isRequired}>
      {children(id)}
      {help !== undefined && (
        <FormHelperText>
          <HelperText>
            <HelperTextItem>{help}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      )}
    </FormGroup>
  );
}

interface TextFieldProps extends Omit<FieldProps, 'children'> {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'number' | 'password';
  readonly placeholder?: string;
}

export function TextField({ value, onChange, type = 'text', placeholder, ...field }: TextFieldProps) {
  return (
    <Field {...field}>
      {(id) => (
        <TextInput
          id={id}
          type={type}
          value={value}
          isRequired={field.isRequired ?? false}
          onChange={(_event, typed) => onChange(typed)}
          {...(placeholder === undefined ? {} : { placeholder })}
        />
      )}
    </Field>
  );
}

interface ChoiceFieldProps extends Omit<FieldProps, 'children'> {
  readonly value: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
}

export function ChoiceField({ value, choices, onChange, ...field }: ChoiceFieldProps) {
  return (
    <Field {...field}>
      {(id) => (
        <FormSelect id={id} value={value} onChange={(_event, chosen) => onChange(chosen)}>
          {choices.map((choice) => (
            <FormSelectOption key={choice.value} value={choice.value} label={choice.label} />
          ))}
        </FormSelect>
      )}
    </Field>
  );
}

export const choicesOf = (values: readonly string[]) => values.map((value) => ({ value, label: value }));
