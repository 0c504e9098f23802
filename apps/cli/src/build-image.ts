import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '@argosy/domain/storage';
import { imagesFolder } from './datastore-folder';
import { Failure } from './failure';
import { programFolder } from './program-folder';
import type { Session } from './session';

/** What guests/linux/build.mjs writes beside the files that it makes. */
interface BuiltImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly memoryMiB: number;
}

function runBuilder(session: Session, program: string, folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, '--out', folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
      signal: session.io.signal,
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString('utf8');
      session.progress(said.trim().split('\n').at(-1) ?? '');
    });
    child.on('error', reject);
    child.on('close', (status) => {
      session.clearProgress();
      if (status === 0) return resolve();
      const [sentence = `it ended with ${status}`, ...advice] = said.trim().split('\n').slice(-2);
      reject(
        new Failure(
          'failed',
          `The image could not be built: ${sentence.replace(/^build\.mjs: /, '').replace(/\.$/, '')}.`,
          { advice: advice.join(' ') },
        ),
      );
    });
  });
}

export async function buildLinux(
  session: Session,
  { name, datastore: named }: { readonly name: string; readonly datastore: string | undefined },
): Promise<Image> {
  const program = join(programFolder(), 'guests/linux/build.mjs');
  if (!existsSync(program))
    throw new Failure('no-file', `The builder ${program} is not here.`, { advice: 'Use a clone of the repository.' });
  if ((await session.api.list('image.list')).some((image) => image.name === name))
    throw new Failure('name-taken', `There is an image ${name} already.`, {
      advice: 'Choose another name with --name.',
    });
  const { datastore, folder } = await imagesFolder(session, named);
  const out = join(folder, name);
  await runBuilder(session, program, out);
  const built = JSON.parse(readFileSync(join(out, 'image.json'), 'utf8')) as BuiltImage;
  return session.api.call('image.create', {
    body: {
      name,
      format: 'kernel',
      kernelPath: join(out, built.kernel),
      initrdPath: join(out, built.initrd),
      kernelArguments: built.append,
      minimumMemoryMiB: built.memoryMiB,
      datastore: datastore.id,
    },
  });
}
