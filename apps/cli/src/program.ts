import { locate, parseArguments, unknownCommand } from './arguments';
import { commands } from './commands';
import type { Command } from './command';
import { exitStatuses, type ExitName } from './exit-status';
import { Failure } from './failure';
import { commandHelp, helpFor, overview } from './help';
import type { Io } from './io';
import { Session, type GlobalFlags } from './session';

function isHelpAsked(rest: readonly string[]): boolean {
  return rest.includes('--help') || rest.includes('-h');
}

async function runCommand(io: Io, command: Command, rest: readonly string[]): Promise<ExitName> {
  const { flags, parameters } = parseArguments(command, rest, io.now());
  if (flags['help'] === true) {
    io.out.write(`${commandHelp(command)}\n`);
    return 'done';
  }
  const session = new Session(io, flags as unknown as GlobalFlags, commands);
  // The parser has made what each command's own table says.
  return command.run(session, { flags, parameters } as Parameters<Command['run']>[1]);
}

async function runArguments(io: Io, args: readonly string[]): Promise<ExitName> {
  if (args.includes('--version') && args.length === 1) return runArguments(io, ['version']);
  const located = locate(args, commands);
  const { command, path, rest, unknown } = located;
  if (command !== undefined) return runCommand(io, command, rest);
  if (unknown === undefined && (path !== '' || rest.length === 0 || isHelpAsked(rest))) {
    const isAsked = isHelpAsked(rest);
    (isAsked ? io.out : io.err).write(`${helpFor(path, commands) ?? overview(commands)}\n`);
    return isAsked ? 'done' : 'usage';
  }
  if (unknown === undefined)
    throw new Failure('usage', `${rest[0]} needs a command to go with it.`, {
      advice: 'Flags of a command stand after it: argosy guest list --pool lab.',
    });
  throw unknownCommand(located, commands);
}

/** One sentence with the stable code, and what to do: never a stack, unless Argosy itself is at fault and is asked for it. */
function report(io: Io, error: unknown): ExitName {
  if (error instanceof Failure) {
    const { message, code, more } = error;
    if (io.err.isTerminal) io.err.write('\r\x1b[2K');
    io.err.write(
      `argosy: ${message}${code === 'usage' ? '' : ` [${code}]`}\n${more.advice ? `        ${more.advice}\n` : ''}`,
    );
    return error.exit;
  }
  const message = error instanceof Error ? error.message : String(error);
  io.err.write(`argosy: a fault of this command: ${message} [internal]\n`);
  if (error instanceof Error && io.environment['ARGOSY_DEBUG']) io.err.write(`${error.stack ?? ''}\n`);
  else io.err.write('        ARGOSY_DEBUG=1 shows where it happened; please report it.\n');
  return 'internal';
}

/** Answers the exit status. */
export async function runProgram(io: Io, args: readonly string[]): Promise<number> {
  try {
    return exitStatuses[await runArguments(io, args)].status;
  } catch (error) {
    if (io.signal.aborted) return exitStatuses.interrupted.status;
    return exitStatuses[report(io, error)].status;
  }
}
