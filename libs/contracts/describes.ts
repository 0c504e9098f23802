import type { z } from 'zod';

/** The same type, with `readonly` taken off at every depth: a schema cannot say it, and JSON does not carry it. */
export type Plain<Type> = Type extends readonly (infer Element)[]
  ? Plain<Element>[]
  : Type extends object
    ? { -readonly [Key in keyof Type]: Plain<Type[Key]> }
    : Type;

type Same<Left, Right> =
  (<Probe>() => Probe extends Left ? 1 : 2) extends <Probe>() => Probe extends Right ? 1 : 2 ? true : false;

/**
 * `describes<Guest>()(schema)` compiles only if the schema's output is exactly the domain's type, so that the two
 * cannot drift apart. Its result is the schema itself.
 */
export function describes<Type>() {
  return <Schema extends z.ZodType>(
    schema: Same<Plain<z.output<Schema>>, Plain<Type>> extends true
      ? Schema
      : { 'schema and type differ': z.output<Schema> },
  ): Schema => schema as Schema;
}
