import 'reflect-metadata';
import { createServer } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { type ControllerProcess, controllerProcessToken } from './controller-process';
import { createHttpAdapter } from './http/adapter';
import { defaultHttpLimits } from './http/limits';
import { readSettings } from './settings';

function say(message: string): void {
  process.stdout.write(`${new Date().toISOString()} controller: ${message}\n`);
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(settings, say),
    createHttpAdapter(defaultHttpLimits, settings.tls),
    {
      logger: ['error', 'warn'],
      bodyParser: false,
      // What cannot be opened is said by main, in a sentence.
      abortOnError: false,
    },
  );
  const controller = app.get<ControllerProcess>(controllerProcessToken);
  const end = (): void => void controller.stop().then(() => process.exit(0));
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  const [first = '127.0.0.1', ...others] = settings.listenAddresses;
  await app.listen(settings.port, first);
  const port = boundPort(app);
  await Promise.all(others.map((address) => listenToo(app, address, port)));
  const url = `${settings.tls === null ? 'http' : 'https'}://${first}:${port}`;
  await controller.start(url);
  say(`listening on ${url}`);
}

/** On one more address: its connections are given to the same server, with the same limits. */
function listenToo(app: NestFastifyApplication, address: string, port: number): Promise<void> {
  const server = app.getHttpAdapter().getInstance().server;
  const listener = createServer((socket) => server.emit('connection', socket));
  server.once('close', () => listener.close());
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, address, resolve);
  });
}

function boundPort(app: NestFastifyApplication): number {
  const address = app.getHttpAdapter().getInstance().server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

main().catch((error: unknown) => {
  say(`cannot go on: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
