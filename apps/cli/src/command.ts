import type { ExitName } from './exit-status';
import type { Session } from './session';
import type { valueTypes, ValueTypeName } from './values';

/** Whose names complete a value: the routes of these kinds list them. */
export type NamedKind = 'pool' | 'host' | 'guest' | 'image' | 'datastore' | 'rule' | 'user';

/** `flag` takes no value; `texts` may be repeated, and a comma separates too. */
export interface Flag {
  readonly type: ValueTypeName | 'flag' | 'texts';
  readonly summary: string;
  readonly placeholder?: string;
  readonly short?: string;
  readonly choices?: readonly string[];
  readonly names?: NamedKind;
  readonly required?: true;
}

export interface Parameter {
  readonly name: string;
  readonly many?: true;
  readonly optional?: true;
  readonly choices?: readonly string[];
  readonly names?: NamedKind;
}

type Flags = Readonly<Record<string, Flag>>;
type ParsedValue<Type> = Type extends ValueTypeName
  ? Exclude<ReturnType<(typeof valueTypes)[Type]['parse']>, undefined>
  : never;
type FlagValue<Spec extends Flag> = Spec['type'] extends 'flag'
  ? boolean
  : Spec['type'] extends 'texts'
    ? readonly string[]
    : | (Spec extends { choices: readonly (infer Choice)[] } ? Choice : ParsedValue<Spec['type']>)
      | (Spec extends { required: true } ? never : undefined);
type ParameterValue<Spec extends Parameter> = Spec extends { many: true }
  ? readonly string[]
  : | (Spec extends { choices: readonly (infer Choice)[] } ? Choice : string)
    | (Spec extends { optional: true } ? undefined : never);

export type FlagValues<Of extends Flags> = { readonly [Name in keyof Of]: FlagValue<Of[Name]> };

export interface Input<Of extends Flags, Parameters extends readonly Parameter[]> {
  readonly flags: FlagValues<Of>;
  readonly parameters: { readonly [Spec in Parameters[number] as Spec['name']]: ParameterValue<Spec> };
}

export interface Command {
  /** "guest migrate" */
  readonly path: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly flags: Flags;
  readonly examples?: readonly string[];
  /** For completion scripts only: not in the help. */
  readonly hidden?: true;
  readonly run: (session: Session, input: Input<Flags, readonly Parameter[]>) => Promise<ExitName>;
}

interface Definition<Of extends Flags, Parameters extends readonly Parameter[]> extends Omit<
  Command,
  'flags' | 'parameters' | 'run'
> {
  readonly parameters?: Parameters;
  readonly flags?: Of;
  readonly run: (session: Session, input: Input<Of, Parameters>) => Promise<ExitName>;
}

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- a command without flags has none
type None = {};

/** Gives `run` its flags and parameters by name and with their types; the parser makes what the table says. */
export function command<const Of extends Flags = None, const Parameters extends readonly Parameter[] = readonly []>(
  definition: Definition<Of, Parameters>,
): Command {
  return { parameters: [], flags: {}, ...definition } as unknown as Command;
}

/** Only what was given: a key that is there with `undefined` would be sent as something. */
export function given<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

/** The same, and undefined when nothing was given at all. */
export function givenAny<Fields extends object>(fields: Fields): ReturnType<typeof given<Fields>> | undefined {
  const some = given(fields);
  return Object.keys(some).length === 0 ? undefined : some;
}
