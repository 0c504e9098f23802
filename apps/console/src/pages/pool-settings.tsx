import { poolSettingsBody } from '@argosy/contracts/bodies';
import { Alert, Button, Checkbox, Form } from '@patternfly/react-core';
import { type FormEvent, useState } from 'react';
import { z } from 'zod';
import { call } from '../api/client';
import { useMay } from '../api/session';
import type { Pool } from '../fleet/rows';
import { ChoiceField, choicesOf, TextField } from '../ui/field';
import { Section } from '../ui/facts';
import { messageOf, useToasts } from '../ui/toasts';
import { numberOf } from '../ui/typed';
import { wordsOf } from '../ui/words';
import { type SettingGroup, settingGroups, settingHelp } from './pool-setting-help';

type Value = string | number | boolean | null;
type Changes = Readonly<Record<string, Value>>;

const isolationResponses = poolSettingsBody.shape.isolationResponse.unwrap().options;

/** The words that a field may hold, where it is one of few; from the contract, so that the two are the same. */
function optionsOf(group: SettingGroup, field: string): readonly string[] | null {
  const shape = poolSettingsBody.shape[group].unwrap().shape as Record<string, z.ZodOptional>;
  const inner = shape[field]?.unwrap();
  return inner instanceof z.ZodEnum ? (inner.options as string[]) : null;
}

/** In the order of the contract: what is stored has none. */
const fieldsOf = (group: SettingGroup): readonly string[] => Object.keys(poolSettingsBody.shape[group].unwrap().shape);

/** All that the pool's policy says: a form made from the contract. */
export function PoolSettings({ pool }: { readonly pool: Pool }) {
  const may = useMay();
  const { say } = useToasts();
  const [changes, setChanges] = useState<Changes>({});
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [error, setError] = useState<unknown>(null);
  const isReadOnly = !may('pool.update');
  const undo = () => {
    setChanges({});
    setTexts({});
    setError(null);
  };
  const change = (path: string, value: Value, before: Value) =>
    setChanges(({ [path]: _, ...rest }) => (value === before ? rest : { ...rest, [path]: value }));
  const save = (event: FormEvent) => {
    event.preventDefault();
    const settings: Record<string, unknown> = {};
    for (const [path, value] of Object.entries(changes)) {
      const [group = '', field] = path.split('.');
      if (field === undefined) settings[group] = value;
      else settings[group] = { ...(settings[group] as object | undefined), [field]: value };
    }
    const body = poolSettingsBody.safeParse(settings);
    if (!body.success)
      return setError(
        body.error.issues.map(({ path, message }) => `${wordsOf(String(path.at(-1)))} ${message}`).join('; '),
      );
    return void call('pool.update', { params: { pool: pool.id }, body: { settings: body.data } }).then(() => {
      undo();
      say(`${pool.name} was changed`);
    }, setError);
  };
  const fieldOf = (group: SettingGroup, field: string, before: Value) => {
    const path = `${group}.${field}`;
    const value = path in changes ? changes[path]! : before;
    const label = wordsOf(field);
    const help = (settingHelp[group] as Readonly<Record<string, string>>)[field] ?? '';
    const options = optionsOf(group, field);
    if (typeof before === 'boolean')
      return (
        <Checkbox
          key={path}
          id={path}
          label={label}
          description={help}
          isChecked={value === true}
          onChange={(_event, is) => change(path, is, before)}
        />
      );
    if (options !== null)
      return (
        <ChoiceField
          key={path}
          label={label}
          help={help}
          value={String(value)}
          choices={choicesOf(options)}
          onChange={(chosen) => change(path, chosen, before)}
        />
      );
    const typed = texts[path] ?? (before === null ? '' : String(before));
    return (
      <TextField
        key={path}
        label={label}
        help={help}
        type={typeof before === 'number' ? 'number' : 'text'}
        value={typed}
        onChange={(text) => {
          setTexts({ ...texts, [path]: text });
          const parsed = typeof before === 'number' ? numberOf(text) : text === '' ? null : text;
          change(path, parsed, before);
        }}
      />
    );
  };
  return (
    <Form onSubmit={save}>
      <fieldset disabled={isReadOnly} className="settings">
        {settingGroups.map(([group, title]) => (
          <Section key={group} title={title}>
            <div className="settings-fields">
              {fieldsOf(group).map((field) => fieldOf(group, field, (pool[group] as Record<string, Value>)[field]!))}
              {group === 'failure' && (
                <ChoiceField
                  label="What a host that is cut off does with its guests"
                  value={String(changes['isolationResponse'] ?? pool.isolationResponse)}
                  choices={choicesOf(isolationResponses)}
                  onChange={(chosen) => change('isolationResponse', chosen, pool.isolationResponse)}
                />
              )}
            </div>
          </Section>
        ))}
      </fieldset>
      {error !== null && (
        <Alert isInline variant="danger" title="Nothing was changed">
          {messageOf(error)}
        </Alert>
      )}
      {isReadOnly ? (
        <p className="quiet">An administrator may change these.</p>
      ) : (
        <div className="settings-save">
          <Button type="submit" isDisabled={Object.keys(changes).length === 0}>
            Save {Object.keys(changes).length > 0 && Object.keys(changes).length}
          </Button>{' '}
          <Button variant="link" onClick={undo}>
            Undo
          </Button>
        </div>
      )}
    </Form>
  );
}
